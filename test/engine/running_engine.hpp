// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// An engine with somebody who runs it, and operations for it.

#include "engine/engine.hpp"
#include "eventually.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace aioxx::test {

using engine::Engine;
using engine::Kind;
using engine::State;

/// An operation with memory of its own.
struct Transfer : engine::Operation {
    static constexpr std::size_t size = 4096;

    Transfer() = default;
    explicit Transfer(std::string_view text) { hold(text); }

    void hold(std::string_view text) {
        length_wanted = text.size();
        std::ranges::copy(std::as_bytes(std::span{text}), bytes.begin());
    }

    [[nodiscard]] std::string text() const {
        return {reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::size_t>(std::max<std::int64_t>(result, 0))};
    }

    alignas(size) std::array<std::byte, size> bytes{};
    std::size_t length_wanted = size;
};

class RunningEngine {
public:
    explicit RunningEngine(const Engine::Options& options = {}) : engine_(options, error_) {
        REQUIRE(!error_);
    }

    Engine* operator->() noexcept { return &engine_; }
    Engine& operator*() noexcept { return engine_; }

    void start(Transfer& transfer, Kind kind, const File& file, std::int64_t offset = 0) {
        transfer.kind = kind;
        transfer.file = &engine_.state_of(file);
        transfer.base = transfer.bytes.data();
        transfer.length = transfer.length_wanted;
        transfer.offset = offset;
        transfer.vector = nullptr;
        engine_.start(transfer);
    }
    /// And lets the engine submit it.
    void begin(Transfer& transfer, Kind kind, const File& file, std::int64_t offset = 0) {
        start(transfer, kind, file, offset);
        engine_.flush();
    }

    /// The next one to complete.
    engine::Operation& next() {
        for (;;) {
            engine_.reap();
            engine_.flush();
            if (engine::Operation* const operation = engine_.take()) {
                return *operation;
            }
            std::error_code error;
            engine_.wait(nullptr, error);
        }
    }
    /// The result of `operation`, which is the next one to complete.
    std::int64_t result_of(const engine::Operation& operation) {
        CHECK(&next() == &operation);
        return operation.result;
    }
    /// Whether one has completed by now.
    engine::Operation* completed_now() {
        engine_.reap();
        engine_.flush();
        return engine_.take();
    }

private:
    std::error_code error_;
    Engine engine_;
};

inline std::size_t count_threads() {
    const std::filesystem::directory_iterator tasks{"/proc/self/task"};
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

/// Those of this process but the caller.
inline std::vector<pid_t> other_threads(pid_t self) {
    std::vector<pid_t> all;
    for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
        const pid_t tid = std::stoi(task.path().filename());
        if (tid != self) {
            all.push_back(tid);
        }
    }
    return all;
}

} // namespace aioxx::test
