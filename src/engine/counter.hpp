// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// A number that one thread at a time changes, and that any may read. Its changes are plain loads
/// and stores: no instruction locks the bus.
///
/// A thread that reads a change sees all that the changing thread has changed before, in other
/// numbers as well.
///
/// By the compiler's own functions, which go by the alignment of the member: with std::atomic_ref
/// clang would call a library for it on 32 bits.
class Counter {
public:
    constexpr Counter() noexcept = default;
    Counter(const Counter&) = delete;
    Counter& operator=(const Counter&) = delete;

    /// The thread that changes it.
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
    void set(std::uint64_t value) noexcept { __atomic_store_n(&value_, value, __ATOMIC_RELEASE); }
    Counter& operator+=(std::uint64_t more) noexcept {
        set(value_ + more);
        return *this;
    }
    Counter& operator-=(std::uint64_t less) noexcept { return *this += 0 - less; }
    Counter& operator++() noexcept { return *this += 1; }
    Counter& operator--() noexcept { return *this -= 1; }

    /// Any thread.
    [[nodiscard]] std::uint64_t read() const noexcept {
        return __atomic_load_n(&value_, __ATOMIC_ACQUIRE);
    }
    operator std::uint64_t() const noexcept { return read(); }

private:
    alignas(8) std::uint64_t value_ = 0;
};

} // namespace engine
AIOXX_NAMESPACE_END
