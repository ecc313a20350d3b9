// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/worker_pool.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace posix {

class PinTable;

/// One open file in the workers' own descriptor table: whatever the program does to its number, the
/// file stays. It is the task that changes something about it there.
struct Pin : engine::WorkerPool::Task {
    static constexpr int on_its_way = -1;
    static constexpr int lost = -2; // the workers' table was full
    static constexpr int closed = -3;

    PinTable* table = nullptr;
    std::atomic<int> fd{on_its_way};    // in the workers' table
    std::atomic<int> unwatchable{0};    // why epoll does not take it: an errno
    std::uint64_t use = 0;              // how often it has been taken
    bool lent = false;                  // to operations; the last one closes it
    std::atomic<unsigned> borrowers{0}; // of those, the ones that have not ended

    // Under the table's mutex: what the task is to do.
    bool queued = false; // the task is, or it runs
    bool to_watch = false;
    bool to_close = false;
    std::uint32_t events = 0;
    std::uint64_t data = 0;

    bool watched = false; // the task's own
};

/// What a file keeps of the pin that was lent to its operations, for as long as it is lent.
struct Loan {
    Pin* pin = nullptr;
    std::uint64_t use = 0;
};

/// Pins made ahead, so that taking one allocates nothing.
///
/// Threads: one thread reserves and takes, any gives back.
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

    /// Null when more are in use than were reserved.
    Pin* take() noexcept {
        Pin* pin = nullptr;
        {
            const std::lock_guard lock{mutex_};
            if (free_.empty()) {
                return nullptr;
            }
            pin = free_.back();
            free_.pop_back();
        }
        pin->fd.store(Pin::on_its_way, std::memory_order_relaxed);
        pin->unwatchable.store(0, std::memory_order_relaxed);
        pin->borrowers.store(0, std::memory_order_relaxed);
        pin->lent = pin->queued = pin->to_watch = pin->to_close = pin->watched = false;
        ++pin->use;
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

} // namespace posix
AIOXX_NAMESPACE_END
