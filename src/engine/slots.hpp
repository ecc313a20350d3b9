// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// So many of `all` are not for what is slow to answer: a quarter, rounded up.
constexpr std::size_t last_quarter(std::size_t all) noexcept {
    return (all + 3) / 4;
}

/// Room in the context: how many operations may be with the kernel at a time. Pure.
///
/// The count comes from outside: 0 without kernel AIO, and it may rise while operations are under
/// way. What is on a server never takes the last quarter, rounded up.
class Slots {
public:
    /// What an operation takes, and gives back: counts in two halves, so that one addition does.
    using Share = std::uint64_t;
    static constexpr Share one = 1;
    static constexpr Share one_on_server = one + (Share{1} << 32U);

    void set_capacity(std::size_t capacity) noexcept { capacity_ = capacity; }
    [[nodiscard]] std::size_t used() const noexcept { return static_cast<std::uint32_t>(used_); }
    /// Of those, by what is on a server.
    [[nodiscard]] std::size_t used_on_server() const noexcept {
        return static_cast<std::size_t>(used_ >> 32U);
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool available() const noexcept { return used() < capacity_; }
    /// Whether what is on a server has not used up its share.
    [[nodiscard]] bool available_on_server() const noexcept {
        return used_on_server() + last_quarter(capacity_) < capacity_;
    }

    void take(Share share) noexcept {
        assert(available());
        used_ += share;
    }
    /// 0: nothing was taken.
    void give_back(Share share) noexcept {
        assert((share >> 32U) <= used_on_server() && used() >= (share & 1U));
        used_ -= share;
    }

private:
    std::size_t capacity_ = 0;
    Share used_ = 0;
};

} // namespace engine
AIOXX_NAMESPACE_END
