// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// One open file, held in the helpers' own descriptor table: whatever the program does to its
/// number, the file stays. Counted; the last to let go closes it there.
struct Pin {
    static constexpr int on_its_way = -1;
    static constexpr int lost = -2; // the helpers' table was full
    static constexpr int closed = -3;

    std::atomic<unsigned> holders{0};
    std::atomic<int> fd{on_its_way}; // in the helpers' table
    std::atomic<int> unwatchable{0}; // why epoll does not take it: an errno
    std::uint64_t use = 0;           // how often it has been taken; of the one who takes
    bool watched = false;            // by the helpers' epoll descriptor

    // Of the operations that are made one after the other; with the helpers' mutex.
    bool turn_is_taken = false;
    bool lent = false; // to them: the file is closed with the last one
    OperationList behind;
};

/// A pin that was lent to operations in turn, for as long as it is.
struct Loan {
    Pin* pin = nullptr;
    std::uint64_t use = 0;
};

/// Pins made ahead, so that taking one allocates nothing.
class PinPool {
public:
    /// Has `count` of them at the least; there are never more than were asked for at one time.
    /// Throws std::bad_alloc.
    void reserve(std::size_t count) {
        const std::lock_guard lock{mutex_};
        if (count > free_.capacity()) {
            free_.reserve(std::max(count, 2 * free_.capacity()));
        }
        while (count > all_.size()) {
            free_.push_back(&all_.emplace_back());
        }
    }
    [[nodiscard]] std::size_t size() {
        const std::lock_guard lock{mutex_};
        return all_.size();
    }

    /// A pin with one holder, or null when more are in use than were reserved.
    Pin* take() noexcept {
        const std::lock_guard lock{mutex_};
        if (free_.empty()) {
            return nullptr;
        }
        Pin* const pin = free_.back();
        free_.pop_back();
        pin->fd.store(Pin::on_its_way, std::memory_order_relaxed);
        pin->unwatchable.store(0, std::memory_order_relaxed);
        ++pin->use;
        pin->watched = false;
        pin->holders.store(1, std::memory_order_relaxed);
        return pin;
    }

    void give_back(Pin& pin) noexcept {
        const std::lock_guard lock{mutex_};
        free_.push_back(&pin); // there is room for all of them
    }

private:
    std::mutex mutex_;
    std::deque<Pin> all_;
    std::vector<Pin*> free_;
};

} // namespace engine
AIOXX_NAMESPACE_END
