// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// What is worth it only when it succeeds is tried less often the more often in a row it has not:
/// up to 64 times it is not tried at all. For any threads; which of them counts is not exact.
class Backoff {
public:
    /// Whether it is to be left this time.
    bool applies() noexcept {
        const std::uint8_t left = pause_.load(std::memory_order_relaxed);
        if (left > 0) {
            pause_.store(static_cast<std::uint8_t>(left - 1), std::memory_order_relaxed);
        }
        return left > 0;
    }
    void failed() noexcept {
        constexpr unsigned longest = 6;
        const std::uint8_t row = failures_.load(std::memory_order_relaxed);
        failures_.store(static_cast<std::uint8_t>(std::min(row + 1U, longest)),
                        std::memory_order_relaxed);
        pause_.store(static_cast<std::uint8_t>(1U << row), std::memory_order_relaxed);
    }
    void succeeded() noexcept { failures_.store(0, std::memory_order_relaxed); }
    void forget() noexcept {
        failures_.store(0, std::memory_order_relaxed);
        pause_.store(0, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint8_t> failures_{0}; // in a row
    std::atomic<std::uint8_t> pause_{0};    // times that are left out
};

} // namespace posix
AIOXX_NAMESPACE_END
