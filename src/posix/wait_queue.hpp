// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/event_fd.hpp>

#include "posix/own_descriptors.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <ctime>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The threads that wait for completions. One of them leads: it waits for the event counter, which
/// the kernel signals with each completion, by an epoll descriptor that tells of each signal once,
/// so that the counter is never read. The others follow: each polls an eventfd of its own, its
/// bell, until the leader, or any other thread, has found a completion; when the leader leaves, a
/// follower takes its place. A signal handler that waits on the leader's own thread leads in its
/// place, since the leader cannot run before the handler returns.
///
/// A leader whose handler runs for long does not look, nor does one that has left its sleep by
/// siglongjmp. So the followers look themselves, each second; and where the counter was signalled
/// then, and no leader has taken that, more often, until one does.
///
/// Used with the CriticalSection held, except lead() and follow().
class WaitQueue {
public:
    enum class Role : std::uint8_t { none, leader, follower };

    /// One waiting thread, or one signal handler on it.
    struct Place {
        Role role = Role::none;
        std::uintptr_t leader_before = 0; // this thread, where this is a handler of the leader
        int bell = none;                  // which one
        bool looks_often = false;         // a follower; else each second
        bool has_slept_out = false;       // a follower: its bell was not rung

        static constexpr int none = -1;
    };

    /// `counter`: the event counter.
    WaitQueue(EventFd* counter, OwnDescriptors& own) noexcept : counter_(counter), own_(own) {}
    ~WaitQueue() { close_epoll(); }
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;

    /// Before all else. False where there is no descriptor for it.
    bool open() noexcept;

    /// Before each sleep: gives the place its role. A follower becomes the leader when there is
    /// none.
    void enter(Place& place) noexcept;
    /// Before the thread looks for completions.
    void look(Place& place) noexcept;
    /// The thread waits no longer.
    void leave(Place& place) noexcept;
    /// A completion was found: all that wait look again. Async-signal-safe.
    void wake() noexcept;

    /// The leader's sleep, until the counter has been signalled since the last one, or for no
    /// reason. `limit`: null for none. `mask`: the signals that are blocked meanwhile. 0, or EINTR
    /// if a handler has run, and at no other time but after SIGSTOP and SIGCONT. Without the lock;
    /// a cancellation point.
    int lead(const timespec* limit, const sigset_t& mask);
    /// A follower's sleep, until anything has changed since enter(), or for no reason. The rest
    /// as of lead().
    int follow(Place& place, const timespec* limit, const sigset_t& mask);

    /// In a forked child: closes the copies of the descriptors.
    void close_inherited() noexcept;

private:
    /// Made when it is needed first. It is known by its number, and not by a place on a thread's
    /// stack: a follower that leaves by siglongjmp takes one for good, and does no other harm.
    struct Bell {
        int fd = -1;
        bool is_taken = false;
    };

    [[nodiscard]] bool is_signalled() const noexcept;
    void wake_leader() noexcept;
    void wake_followers() noexcept;
    void close_epoll() noexcept;
    int take_bell() noexcept;
    void give_back_bell(int& bell) noexcept;

    EventFd* counter_;
    OwnDescriptors& own_;
    int epoll_ = -1;
    std::uintptr_t leader_ = 0; // pthread_self(), 0 for none
    bool leader_is_absent_ = false;
    unsigned followers_ = 0;
    /// A follower that finds none, or no descriptor for it, looks often.
    std::array<Bell, 64> bells_;
};

} // namespace posix
AIOXX_NAMESPACE_END
