// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/counter.hpp"
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
    [[nodiscard]] bool is_slow() const noexcept { return slow_; }
    [[nodiscard]] std::size_t held() const noexcept { return static_cast<std::uint32_t>(count_); }

    // As FileSystems has it.
    std::uint64_t device = 0;
    std::size_t files = 0;
    [[nodiscard]] bool is_in_use() const noexcept { return held() > 0 || slow_; }
    /// Whether it has held slots since the last look, and given none back.
    [[nodiscard]] bool look() noexcept { return progress_.is_stuck(held() > 0, count_ >> 32U); }

private:
    friend class Slots;
    static constexpr std::uint64_t one_given_back = (std::uint64_t{1} << 32U) - 1;

    std::uint64_t count_ = 0; // of slots: held, and in the upper half given back
    bool slow_ = false;
    SlotHolder* next_slow_ = nullptr;
    Progress progress_;
};

/// Room in the context: how many operations may be with the kernel at a time. Pure.
///
/// The count comes from outside: 0 without kernel AIO, and it may rise while operations are under
/// way. What is slow never takes the last quarter, rounded up. What a file system holds of it that
/// answered when it took them, and is silent now, it keeps until it answers.
///
/// Taking and giving back cost each operation something, and what is slow is rare: its holders are
/// in a list, and what they hold is added up when it matters.
class Slots {
public:
    void set_capacity(std::size_t capacity) noexcept { capacity_.set(capacity); }
    [[nodiscard]] std::size_t used() const noexcept {
        return static_cast<std::size_t>(used_.value());
    }
    /// Of those, by what is slow.
    [[nodiscard]] std::size_t used_by_slow() const noexcept {
        std::size_t used = 0;
        for (const SlotHolder* each = slow_; each != nullptr; each = each->next_slow_) {
            used += each->held();
        }
        return used;
    }
    [[nodiscard]] std::size_t capacity() const noexcept {
        return static_cast<std::size_t>(capacity_.value());
    }
    [[nodiscard]] bool available() const noexcept { return used_.value() < capacity_.value(); }
    /// Whether what is slow has not used up its share.
    [[nodiscard]] bool available_to_slow() const noexcept {
        return used_by_slow() + last_quarter(capacity()) < capacity();
    }
    /// Whether what is slow holds slots of the last quarter: others that find none do without.
    [[nodiscard]] bool are_short() const noexcept {
        return used_by_slow() + last_quarter(capacity()) > capacity();
    }

    // The same for any thread.
    [[nodiscard]] std::size_t read_used() const noexcept {
        return static_cast<std::size_t>(used_.read());
    }
    [[nodiscard]] bool has_any() const noexcept { return capacity_.read() > 0; }

    void take(SlotHolder& holder) noexcept {
        assert(available());
        ++used_;
        ++holder.count_;
    }
    void give_back(SlotHolder& holder) noexcept {
        assert(holder.held() > 0);
        --used_;
        holder.count_ += SlotHolder::one_given_back;
    }
    /// True where it was otherwise before.
    bool set_slow(SlotHolder& holder, bool slow) noexcept {
        if (holder.slow_ == slow) {
            return false;
        }
        holder.slow_ = slow;
        if (slow) {
            holder.next_slow_ = slow_;
            slow_ = &holder;
            return true;
        }
        SlotHolder** place = &slow_;
        while (*place != &holder) {
            place = &(*place)->next_slow_;
        }
        *place = holder.next_slow_;
        return true;
    }

private:
    Counter capacity_;
    Counter used_;
    SlotHolder* slow_ = nullptr;
};

} // namespace engine
AIOXX_NAMESPACE_END
