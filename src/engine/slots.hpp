// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/file_systems.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// So many of `all` are not for what is slow to answer: a quarter, rounded up.
constexpr std::size_t last_quarter(std::size_t all) noexcept {
    return (all + 3) / 4;
}

/// The slots that operations on one file system hold. All files on it share one. Slow is what a
/// server answers for, and what is silent.
class SlotHolder {
public:
    explicit SlotHolder(bool slow = false) noexcept : each_(slow ? one_of_slow : one) {}

    [[nodiscard]] bool is_slow() const noexcept { return each_ != one; }
    [[nodiscard]] std::size_t held() const noexcept { return held_; }

    // As FileSystems has it.
    std::uint64_t device = 0;
    std::size_t files = 0;
    [[nodiscard]] bool is_in_use() const noexcept { return held_ > 0; }
    /// Whether it has held slots since the last look, and given none back.
    [[nodiscard]] bool look() noexcept { return progress_.is_stuck(held_ > 0, given_back_); }

private:
    friend class Slots;
    static constexpr std::uint64_t one = 1;
    static constexpr std::uint64_t one_of_slow = one + (std::uint64_t{1} << 32U);

    std::uint64_t each_; // what a slot adds to Slots::used_
    std::size_t held_ = 0;
    std::uint64_t given_back_ = 0;
    Progress progress_;
};

/// Room in the context: how many operations may be with the kernel at a time. Pure.
///
/// The count comes from outside: 0 without kernel AIO, and it may rise while operations are under
/// way. What is slow never takes the last quarter, rounded up. What a file system holds of it that
/// answered when it took them, and is silent now, it keeps until it answers.
class Slots {
public:
    void set_capacity(std::size_t capacity) noexcept { capacity_ = capacity; }
    [[nodiscard]] std::size_t used() const noexcept { return static_cast<std::uint32_t>(used_); }
    /// Of those, by what is slow.
    [[nodiscard]] std::size_t used_by_slow() const noexcept {
        return static_cast<std::size_t>(used_ >> 32U);
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool available() const noexcept { return used() < capacity_; }
    /// Whether what is slow has not used up its share.
    [[nodiscard]] bool available_to_slow() const noexcept {
        return used_by_slow() + last_quarter(capacity_) < capacity_;
    }
    /// Whether what is slow holds slots of the last quarter: others that find none do without.
    [[nodiscard]] bool are_short() const noexcept {
        return used_by_slow() + last_quarter(capacity_) > capacity_;
    }

    void take(SlotHolder& holder) noexcept {
        assert(available());
        used_ += holder.each_;
        ++holder.held_;
    }
    void give_back(SlotHolder& holder) noexcept {
        assert(holder.held_ > 0);
        used_ -= holder.each_;
        --holder.held_;
        ++holder.given_back_;
    }
    /// The file system is silent, or answers again. True where it was otherwise before.
    bool set_slow(SlotHolder& holder, bool slow) noexcept {
        if (holder.is_slow() == slow) {
            return false;
        }
        used_ -= holder.held_ * holder.each_;
        holder.each_ = slow ? SlotHolder::one_of_slow : SlotHolder::one;
        used_ += holder.held_ * holder.each_;
        return true;
    }

private:
    std::size_t capacity_ = 0;
    std::uint64_t used_ = 0; // all, and in the upper half those of what is slow
};

} // namespace engine
AIOXX_NAMESPACE_END
