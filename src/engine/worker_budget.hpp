// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include "core/fork_generation.hpp"

#include <atomic>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Bounds the workers that all pools of a process have beside the first of each. In a forked child,
/// where none of them runs, the count begins anew. Any thread.
class WorkerBudget {
public:
    [[nodiscard]] unsigned limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
    void set_limit(unsigned limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }

    [[nodiscard]] unsigned room() const noexcept {
        const unsigned now = used(taken_.load(std::memory_order_relaxed));
        const unsigned most = limit();
        return now < most ? most - now : 0;
    }
    /// False when there is no room.
    [[nodiscard]] bool take() noexcept {
        std::uint64_t now = taken_.load(std::memory_order_relaxed);
        do {
            if (used(now) >= limit()) {
                return false;
            }
        } while (!taken_.compare_exchange_weak(now, mark() | (used(now) + 1U),
                                               std::memory_order_relaxed));
        return true;
    }
    void give_back() noexcept { taken_.fetch_sub(1, std::memory_order_relaxed); }
    [[nodiscard]] unsigned used() const noexcept {
        return used(taken_.load(std::memory_order_relaxed));
    }

private:
    /// The process, in the upper half.
    static std::uint64_t mark() noexcept { return fork_generation::current() << 32U; }
    static unsigned used(std::uint64_t taken) noexcept {
        return (taken ^ mark()) >> 32U == 0 ? static_cast<unsigned>(taken) : 0;
    }

    std::atomic<unsigned> limit_{64};
    std::atomic<std::uint64_t> taken_{0};
};

extern WorkerBudget worker_budget; // defined beside the pool

} // namespace engine
AIOXX_NAMESPACE_END
