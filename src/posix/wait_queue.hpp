// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/event_fd.hpp>

#include "posix/own_descriptors.hpp"

#include <atomic>
#include <cstdint>
#include <ctime>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The threads that wait for completions. One of them leads: it reads the event counter, which the
/// kernel signals with each completion. The others follow: they sleep on a futex until the leader,
/// or any other thread, has found a completion; when the leader leaves, a follower takes its place.
/// A signal handler that waits on the leader's own thread leads in its place, since the leader
/// cannot run before the handler returns. Used with the CriticalSection held, except follow().
class WaitQueue {
public:
    enum class Role : std::uint8_t { none, leader, follower };

    /// One waiting thread, or one signal handler on it.
    struct Place {
        Role role = Role::none;
        std::uintptr_t leader_before = 0; // this thread, where this is a handler of the leader
        std::uint32_t seen = 0;           // what follow() compares with
    };

    /// `counter`: the event counter.
    WaitQueue(EventFd* counter, OwnDescriptors& own) noexcept : counter_(counter), own_(own) {}
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;

    /// Before each sleep: gives the place its role. A follower becomes the leader when there is
    /// none.
    void enter(Place& place) noexcept;
    /// The thread waits no longer.
    void leave(Place& place) noexcept;
    /// A completion was found: all that wait look again. Async-signal-safe.
    void wake() noexcept;

    /// A follower's sleep, until anything has changed since enter(). 0 or an errno. `limit`: null
    /// for none. Without the lock; a cancellation point.
    int follow(const Place& place, const timespec* limit);

private:
    void wake_leader() noexcept;
    void wake_followers() noexcept;

    EventFd* counter_;
    OwnDescriptors& own_;
    std::uintptr_t leader_ = 0; // pthread_self(), 0 for none
    unsigned followers_ = 0;
    std::atomic<std::uint32_t> changes_{0}; // the futex
};

} // namespace posix
AIOXX_NAMESPACE_END
