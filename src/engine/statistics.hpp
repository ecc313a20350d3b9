// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Counts since the engine was made.
struct Statistics {
    std::uint64_t started = 0;
    std::uint64_t completed = 0;
    std::uint64_t submit_calls = 0; // io_submit on the engine's own thread
    std::uint64_t nowait_tries = 0;
    std::uint64_t nowait_refused = 0;   // of those, EAGAIN, or refused by the file
    std::uint64_t offloaded = 0;        // operations that went to workers
    std::uint64_t continued = 0;        // further parts of short transfers
    std::uint64_t polled = 0;           // waits of streams
    std::uint64_t backlogged = 0;       // waited for room in the context
    std::uint64_t blocking_submits = 0; // of those that were watched
    std::uint64_t cancelled = 0;

    /// Time inside io_submit, in powers of two of nanoseconds: [n] counts those below 2^n.
    std::array<std::uint64_t, 40> submit_time{};

    void add_submit_time(std::chrono::nanoseconds time) noexcept {
        const auto bucket = static_cast<std::size_t>(
            std::bit_width(static_cast<std::uint64_t>(time.count() > 0 ? time.count() : 0)));
        ++submit_time[bucket < submit_time.size() ? bucket : submit_time.size() - 1];
    }
};

} // namespace engine
AIOXX_NAMESPACE_END
