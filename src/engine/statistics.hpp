// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include "engine/counter.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Counts since the engine was made. The engine's thread changes them, any may read them.
struct Statistics {
    Counter submit_calls; // io_submit on the engine's own thread
    Counter nowait_tries;
    Counter nowait_refused;   // of those, EAGAIN, or refused by the file
    Counter offloaded;        // operations that went to workers
    Counter continued;        // further parts of short transfers
    Counter polled;           // waits of streams
    Counter backlogged;       // waited for room in the context
    Counter blocking_submits; // of those that were watched
    Counter cancelled;

    /// Time inside io_submit, in powers of two of nanoseconds: [n] counts those below 2^n.
    std::array<Counter, 40> submit_time{};

    void add_submit_time(std::chrono::nanoseconds time) noexcept {
        const auto bucket = static_cast<std::size_t>(
            std::bit_width(static_cast<std::uint64_t>(time.count() > 0 ? time.count() : 0)));
        ++submit_time[bucket < submit_time.size() ? bucket : submit_time.size() - 1];
    }
};

} // namespace engine
AIOXX_NAMESPACE_END
