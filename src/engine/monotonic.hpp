// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <chrono>
#include <cstdint>
#include <ctime>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// The time on CLOCK_MONOTONIC at the last tick of the kernel's, 1 to 10 ms ago at most. It costs a
/// fifth of the exact time.
inline std::chrono::nanoseconds monotonic_tick() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// When `span` from now will have passed, or has, on CLOCK_MONOTONIC.
inline timespec monotonic_in(std::chrono::nanoseconds span) noexcept {
    constexpr std::int64_t second = 1'000'000'000;
    timespec at{};
    ::clock_gettime(CLOCK_MONOTONIC, &at);
    std::int64_t seconds = span.count() / second;
    std::int64_t nanoseconds = at.tv_nsec + span.count() % second;
    if (nanoseconds < 0 || nanoseconds >= second) {
        const std::int64_t carried = nanoseconds < 0 ? -1 : 1;
        seconds += carried;
        nanoseconds -= carried * second;
    }
    at.tv_sec += static_cast<time_t>(seconds);
    at.tv_nsec = static_cast<long>(nanoseconds);
    return at;
}

} // namespace engine
AIOXX_NAMESPACE_END
