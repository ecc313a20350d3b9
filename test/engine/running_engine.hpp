// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// An engine with a loop that runs it, and operations for it.

#include "engine/engine.hpp"
#include "eventually.hpp"
#include "queue/descriptor_reference.hpp"
#include "threads.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
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

    ~RunningEngine() {
        closed_files_->end();
        closed_files_->drop_reference();
    }
    RunningEngine(const RunningEngine&) = delete;
    RunningEngine& operator=(const RunningEngine&) = delete;

    Engine* operator->() noexcept { return &engine_; }
    Engine& operator*() noexcept { return engine_; }

    /// What the engine knows of `file`, which is used as a queue uses it.
    queue::DescriptorReference& file_of(const File& file) {
        detail::SharedDescriptor& descriptor = detail::SharedDescriptor::of(file);
        if (detail::FileUse* const use = descriptor.use_by(this)) {
            return static_cast<queue::DescriptorReference&>(*use);
        }
        detail::FileUsePlace& place = descriptor.take_place(this);
        auto* const made = new queue::DescriptorReference{file, descriptor, place, *closed_files_};
        engine_.add(*made);
        place.use.store(made);
        return *made;
    }

    void start(Transfer& transfer, Kind kind, const File& file, std::int64_t offset = 0) {
        transfer.request.kind = kind;
        transfer.file = &file_of(file);
        transfer.request.data = transfer.bytes.data();
        transfer.request.length = transfer.length_wanted;
        transfer.request.offset = offset;
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
            reap();
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
        reap();
        engine_.flush();
        return engine_.take();
    }
    bool reap() {
        for (detail::FileUse* use = closed_files_->take(); use != nullptr;) {
            detail::FileUse* const next = use->next_closed();
            engine_.close(static_cast<queue::DescriptorReference&>(*use));
            use = next;
        }
        return engine_.reap();
    }

private:
    std::error_code error_;
    detail::ClosedFiles* const closed_files_ = new detail::ClosedFiles;
    Engine engine_;
};

} // namespace aioxx::test
