// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"

#include <algorithm>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Operations on one file of which workers make no more than a few at a time; the others wait here:
/// those that would only wait for each other in the kernel, or of which few workers make many for
/// less. Pure. The WorkerPool's, under its mutex.
class Turn {
public:
    /// `most` have a turn at a time, and `least` when more than `most` wait. `by_rank`: of those
    /// that wait the lowest rank goes first; otherwise they go in their order.
    Turn(unsigned most, unsigned least, bool by_rank) noexcept
        : most_(most), least_(least), by_rank_(by_rank) {}

    /// True when `operation` has a turn; otherwise it waits here.
    bool enter(Operation& operation) noexcept {
        operation.turn = this;
        if (waiting_.empty() && taken_ < places()) {
            ++taken_;
            return true;
        }
        operation.waits_for_turn = true;
        waiting_.insert(operation, [this](const Operation& one, const Operation& other) {
            return by_rank_ && one.request.rank < other.request.rank;
        });
        many_ = many_ || waiting_.size() > most_;
        return false;
    }
    /// A turn is over. Returns the operation that has it from now on, or null.
    Operation* pass() noexcept {
        passed_ = true;
        --taken_;
        if (waiting_.empty()) {
            more_ = 0;
            many_ = many_ && taken_ > 0;
        }
        return next();
    }
    /// Now and then, while some wait. When no turn was over since the last time those that have one
    /// are stuck: one more may go on each time, until none waits. Returns one that may go on, or
    /// null.
    Operation* look() noexcept {
        many_ = waiting_.size() > most_;
        if (!std::exchange(passed_, false)) {
            more_ = std::max(more_, taken_ + 1 - std::min(taken_ + 1, few()));
        }
        return next();
    }
    void remove_waiting(Operation& operation) noexcept {
        operation.waits_for_turn = false;
        waiting_.remove(operation);
    }

    [[nodiscard]] const OperationList& waiting() const noexcept { return waiting_; }

private:
    [[nodiscard]] unsigned few() const noexcept { return many_ ? least_ : most_; }
    [[nodiscard]] unsigned places() const noexcept { return few() + more_; }
    Operation* next() noexcept {
        Operation* const first = taken_ < places() ? waiting_.front() : nullptr;
        if (first != nullptr) {
            remove_waiting(*first);
            ++taken_;
        }
        return first;
    }

    const unsigned most_;
    const unsigned least_;
    const bool by_rank_;
    unsigned taken_ = 0;
    unsigned more_ = 0;  // places, as those that have a turn are stuck
    bool many_ = false;  // wait, or did so lately
    bool passed_ = true; // a turn was over since look()
    OperationList waiting_;
};

} // namespace engine
AIOXX_NAMESPACE_END
