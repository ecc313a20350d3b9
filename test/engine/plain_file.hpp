// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/open_file.hpp"

#include <aioxx/file/file.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace aioxx::test {

/// A file for parts of the engine that only ask what it is. Its number is valid while the test
/// keeps it open.
class PlainFile final : public engine::OpenFile {
public:
    explicit PlainFile(int number) : OpenFile(File::borrow(number)) {}

    void keep() noexcept override {}
    void release() noexcept override {}
    int prepare_for_worker(engine::Operation& /*operation*/) noexcept override { return 0; }
    int watch(int /*epoll*/, std::uint32_t /*events*/, std::uint64_t /*data*/) noexcept override {
        return 0;
    }
    void unwatch(int /*epoll*/) noexcept override {}
    void retire() noexcept override {}
};

/// An operation for a worker, with memory of its own.
class WorkerOperation : public engine::Operation {
public:
    /// To be started again.
    void set(engine::Kind kind, engine::OpenFile& target,
             engine::Way by = engine::Way::worker) noexcept {
        if (state() != engine::State::idle) {
            move_to(engine::State::completed);
            move_to(engine::State::idle);
        }
        begin();
        request.kind = kind;
        request.data = bytes.data();
        request.length = length;
        file = &target;
        way = by;
        in_turn = false;
        pin = nullptr;
    }
    void hold(std::string_view text) {
        length = text.size();
        std::ranges::copy(std::as_bytes(std::span{text}), bytes.begin());
    }
    [[nodiscard]] std::string text() const {
        return {reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::size_t>(std::max<std::int64_t>(result, 0))};
    }

    std::size_t length = 4096;
    std::array<std::byte, 4096> bytes{};
};

} // namespace aioxx::test
