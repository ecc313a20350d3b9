// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"

#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// What has to wait for what on one file: appends go one after the other, and a flush that asks for
/// it begins when every transfer that was started before it has ended. Appends that are in_turn go
/// on together: the WorkerPool makes them in their order, each to its end. Pure.
class FileOrder {
public:
    /// A transfer that flushes may have to wait for has been started.
    void enter_transfer(Operation& operation) noexcept {
        operation.sequence = ++sequence_;
        under_way_.push_back(operation);
    }
    /// True when the append may go on; otherwise it waits here.
    bool enter_append(Operation& operation) noexcept {
        if (appends_.empty() && may_append(operation)) {
            begin_append(operation);
            return true;
        }
        appends_.push_back(operation);
        return false;
    }
    /// The same for a flush.
    bool enter_flush(Operation& operation) noexcept {
        if (under_way_.empty()) {
            return true;
        }
        operation.sequence = ++sequence_;
        flushes_.push_back(operation);
        return false;
    }

    /// Whether `operation` is an append that goes on now.
    [[nodiscard]] static bool is_appending(const Operation& operation) noexcept {
        return operation.appends;
    }

    /// A flush that waits here is given up.
    void drop_flush(Operation& operation) noexcept { flushes_.remove(operation); }
    /// A transfer of enter_transfer() ends, or is given up. What may go on without it is put on
    /// `released`. `waited`: it waited here for its turn to append.
    void leave_transfer(Operation& operation, bool waited, OperationList& released) noexcept;

private:
    [[nodiscard]] bool may_append(const Operation& operation) const noexcept {
        return appending_ == 0 || (together_ && operation.in_turn);
    }
    void begin_append(Operation& operation) noexcept {
        ++appending_;
        together_ = operation.in_turn;
        operation.appends = true;
    }

    std::uint64_t sequence_ = 0;
    TransferList under_way_;    // in the order of starting
    OperationList flushes_;     // wait for transfers under way
    OperationList appends_;     // wait for the append in front of them
    std::size_t appending_ = 0; // appends that go on
    bool together_ = false;     // which are in_turn
};

inline void FileOrder::leave_transfer(Operation& operation, bool waited,
                                      OperationList& released) noexcept {
    under_way_.remove(operation);
    if (waited) {
        appends_.remove(operation);
    } else if (operation.appends) {
        operation.appends = false;
        --appending_;
    }
    while (!appends_.empty() && may_append(*appends_.front())) {
        Operation& next = *appends_.pop_front();
        begin_append(next);
        released.push_back(next);
    }
    const Operation* const oldest = under_way_.front();
    while (!flushes_.empty() &&
           (oldest == nullptr || oldest->sequence > flushes_.front()->sequence)) {
        released.push_back(*flushes_.pop_front());
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
