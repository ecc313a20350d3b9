// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/monotonic.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>

#include <linux/futex.h>
#include <linux/time_types.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// A counting semaphore, for up to 65,535 threads and permits.
///
/// A condition variable would not do: the copy of one in a forked child cannot be destroyed while
/// its parent's threads wait. Nor would POSIX's semaphores: not each C library can wait for one
/// until a time of CLOCK_MONOTONIC.
class Semaphore {
public:
    void post() noexcept {
        // As soon as the permit is there it may be taken, and the semaphore destroyed. The wake
        // only names its address.
        if (waiters_of(word_.fetch_add(permit, std::memory_order_release)) > 0) {
            ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1);
        }
    }
    void wait() noexcept { wait_until(nullptr); }
    /// False when the time is over.
    bool wait_for(std::chrono::nanoseconds time) noexcept {
        const timespec end = monotonic_in(time);
        const __kernel_old_timespec at{end.tv_sec, end.tv_nsec};
        return wait_until(&at);
    }

private:
    // The number of threads that wait, and above it that of permits: a poster learns with one step
    // whether to wake.
    static constexpr std::uint32_t permit = 1U << 16;
    static constexpr std::uint32_t waiter = 1;
    static std::uint32_t waiters_of(std::uint32_t word) noexcept { return word % permit; }

    /// Null: there is no end.
    bool wait_until(const __kernel_old_timespec* end) noexcept {
        if (take(0)) {
            return true;
        }
        word_.fetch_add(waiter, std::memory_order_relaxed);
        while (!take(waiter)) {
            const std::uint32_t seen = word_.load(std::memory_order_relaxed);
            if (seen >= permit) {
                continue;
            }
            if (::syscall(SYS_futex, &word_, FUTEX_WAIT_BITSET_PRIVATE, seen, end, nullptr,
                          FUTEX_BITSET_MATCH_ANY) != 0 &&
                errno == ETIMEDOUT) {
                if (take(waiter)) {
                    return true;
                }
                word_.fetch_sub(waiter, std::memory_order_relaxed);
                return false;
            }
        }
        return true;
    }
    /// Takes a permit, if there is one, and `besides` from the number of those that wait.
    bool take(std::uint32_t besides) noexcept {
        std::uint32_t word = word_.load(std::memory_order_relaxed);
        while (word >= permit) {
            if (word_.compare_exchange_weak(word, word - permit - besides,
                                            std::memory_order_acquire, std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }

    std::atomic<std::uint32_t> word_{0};
};

} // namespace engine
AIOXX_NAMESPACE_END
