// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/counter.hpp"
#include "engine/operation.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Operations that wait for a slot: the lowest rank first, and first in, first out in each. Pure;
/// every function takes constant time.
class Backlog {
public:
    static constexpr std::size_t ranks = 32;

    [[nodiscard]] bool empty() const noexcept { return occupied_ == 0; }
    /// Any thread.
    [[nodiscard]] std::size_t size() const noexcept {
        return static_cast<std::size_t>(size_.read());
    }

    /// Of the next; `ranks` when empty.
    [[nodiscard]] unsigned first_rank() const noexcept {
        return static_cast<unsigned>(std::countr_zero(occupied_));
    }

    void push(Operation& operation) noexcept {
        const unsigned rank = rank_of(operation);
        lists_[rank].push_back(operation);
        occupied_ |= 1U << rank;
        ++size_;
    }
    void remove(Operation& operation) noexcept {
        const unsigned rank = rank_of(operation);
        lists_[rank].remove(operation);
        note_removed(rank);
    }
    /// Null when empty.
    Operation* pop() noexcept {
        if (empty()) {
            return nullptr;
        }
        const auto rank = static_cast<unsigned>(std::countr_zero(occupied_));
        Operation* const first = lists_[rank].pop_front();
        note_removed(rank);
        return first;
    }

    /// Moves those that `fits` to the end of `other`, in their order.
    template <typename Fits>
    void move_to(Backlog& other, Fits fits) noexcept {
        for (OperationList& list : lists_) {
            for (Operation* next = list.front(); next != nullptr;) {
                Operation& operation = *next;
                next = OperationList::next(operation);
                if (fits(operation)) {
                    remove(operation);
                    other.push(operation);
                }
            }
        }
    }

private:
    static unsigned rank_of(const Operation& operation) noexcept {
        return operation.request.rank % ranks;
    }
    void note_removed(unsigned rank) noexcept {
        --size_;
        if (lists_[rank].empty()) {
            occupied_ &= ~(1U << rank);
        }
    }

    std::array<OperationList, ranks> lists_;
    std::uint32_t occupied_ = 0; // a bit for each list that is not empty
    Counter size_;
};

} // namespace engine
AIOXX_NAMESPACE_END
