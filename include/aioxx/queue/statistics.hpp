// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <array>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// What a Queue has too little of.
enum class Bottleneck : std::uint8_t {
    none,    ///< nothing had to wait
    slots,   ///< Options::depth is too small for what is started, or fs.aio-max-nr allows less
    workers, ///< Options::workers is too small, or set_worker_limit() allows no more
    buffers, ///< the BufferPools that Queue::buffer() waits for have too few
};

/// Counts of a Queue since it was made, and what it holds now.
///
/// Always `started == completed + cancelled + timed_out + outstanding`: each operation, sleeps and
/// waits among them, is in one of the four, and comes out of the last when its user is told. A
/// value.
///
///     const aioxx::QueueStatistics now = queue.statistics();
///     std::cout << now.completed << " of " << now.started << '\n';
struct QueueStatistics {
    std::uint64_t started = 0;     ///< not those that were refused
    std::uint64_t completed = 0;   ///< told how they ended by themselves, well or not
    std::uint64_t cancelled = 0;   ///< told operation_canceled
    std::uint64_t timed_out = 0;   ///< told timed_out
    std::uint64_t outstanding = 0; ///< now: not told yet

    std::uint64_t in_flight = 0;   ///< now: with the kernel, or with a worker that submits
    std::uint64_t backlog = 0;     ///< now: waiting for room in the context
    std::uint64_t quarantined = 0; ///< now: given up, and still with the kernel or a worker

    std::uint64_t submit_calls = 0;     ///< io_submit on the queue's thread
    std::uint64_t nowait_tries = 0;     ///< with RWF_NOWAIT
    std::uint64_t nowait_refused = 0;   ///< of those: it would have blocked, or is not supported
    std::uint64_t offloaded = 0;        ///< calls made by workers
    std::uint64_t continued = 0;        ///< further parts of short transfers
    std::uint64_t polled = 0;           ///< waits for a stream to become ready
    std::uint64_t blocking_submits = 0; ///< of the submits that were watched

    /// Time inside io_submit by powers of two: [n] counts calls below 2^n nanoseconds. Empty
    /// without Options::time_submits.
    std::array<std::uint64_t, 40> submit_time{};

    bool kernel_aio = false; ///< now: there is a context. It is made when an operation wants it.

    std::uint64_t copied = 0; ///< now: bytes in copies of borrowed memory (Options::copy_limit)

    std::uint64_t waited_for_slots = 0;   ///< operations that found no room in the context
    std::uint64_t waited_for_workers = 0; ///< that found all workers in calls, and no more allowed
    std::uint64_t waited_for_buffers = 0; ///< Queue::buffer() that found the pool empty

    /// What most operations have had to wait for, since `before` was read.
    [[nodiscard]] constexpr Bottleneck bottleneck(const QueueStatistics& before) const noexcept {
        const std::uint64_t slots = waited_for_slots - before.waited_for_slots;
        const std::uint64_t workers = waited_for_workers - before.waited_for_workers;
        const std::uint64_t buffers = waited_for_buffers - before.waited_for_buffers;
        if (slots == 0 && workers == 0 && buffers == 0) {
            return Bottleneck::none;
        }
        if (slots >= workers && slots >= buffers) {
            return Bottleneck::slots;
        }
        return workers >= buffers ? Bottleneck::workers : Bottleneck::buffers;
    }
    /// The same, since the queue was made.
    [[nodiscard]] constexpr Bottleneck bottleneck() const noexcept;
};

constexpr Bottleneck QueueStatistics::bottleneck() const noexcept {
    return bottleneck(QueueStatistics{});
}

AIOXX_NAMESPACE_END
