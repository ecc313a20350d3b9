// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// The transfers of one direction of a stream: one at a time, first in, first out. Pure.
class StreamQueue {
public:
    /// True when `operation` is the first, and may go on; otherwise it waits here.
    bool enter(Operation& operation) noexcept {
        if (active_ == nullptr) {
            active_ = &operation;
            return true;
        }
        waiting_.push_back(operation);
        return false;
    }
    /// `operation` ends, or is given up. Returns the one that may go on instead of it, or null.
    Operation* leave(Operation& operation) noexcept {
        if (active_ != &operation) {
            waiting_.remove(operation);
            return nullptr;
        }
        active_ = waiting_.pop_front();
        return active_;
    }

    /// The one that is tried, or waits for readiness; null when there is none.
    [[nodiscard]] Operation* active() const noexcept { return active_; }
    [[nodiscard]] bool has_waiting() const noexcept { return !waiting_.empty(); }

private:
    Operation* active_ = nullptr;
    OperationList waiting_;
};

} // namespace engine
AIOXX_NAMESPACE_END
