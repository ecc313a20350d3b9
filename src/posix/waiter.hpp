// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "core/fork_generation.hpp"
#include "posix/critical_section.hpp"
#include "posix/layer.hpp"

#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// A thread that waits, in aio_suspend or lio_listio: its place in the WaitQueue, and its sleep.
///
/// Made and used without the lock. sleep() is a cancellation point and may be left by unwinding;
/// the destructor leaves the queue.
class Waiter {
public:
    /// `signals`: from the entry of the program's call on. They are open inside sleep() only.
    Waiter(Layer& layer, const BlockedSignals& signals) noexcept
        : layer_(layer), signals_(signals) {}
    ~Waiter() {
        if (place_.role != WaitQueue::Role::none) { // interrupted, or unwound
            leave_queue();
        }
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// Under the lock: reaps, and asks `done`. Where that says no, the thread enters the queue.
    template <typename Done>
    bool look(Done done) noexcept {
        const CriticalSection section{signals_};
        if (layer_.generation() != fork_generation::current()) {
            place_.role = WaitQueue::Role::none; // a child that a signal handler has forked: there
            return true;                         // is nothing to wait for here
        }
        layer_.waiters().look(place_);
        layer_.reap(section);
        if (done()) {
            layer_.waiters().leave(place_);
            return true;
        }
        cut_off_ = layer_.own_descriptors().are_closed();
        if (!cut_off_) {
            layer_.waiters().enter(place_);
        }
        return false;
    }
    /// Sleeps until it is worth looking again. 0, EINTR when a handler has run, EAGAIN when
    /// `deadline` (monotonic; null for none) has passed, or EBADF when nothing can end the sleep
    /// any more. Without a deadline it goes on where every handler that may have run has
    /// SA_RESTART.
    int sleep(const timespec* deadline);

private:
    void leave_queue() noexcept;
    int sleep_as_leader(const timespec* limit);

    Layer& layer_;
    const BlockedSignals& signals_;
    WaitQueue::Place place_;
    bool cut_off_ = false; // the event counter's descriptor may be the program's by now
};

} // namespace posix
AIOXX_NAMESPACE_END
