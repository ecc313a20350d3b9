// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/wait_queue.hpp"

#include "posix/cancellable_futex.hpp"

#include <climits>
#include <utility>

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

std::uintptr_t this_thread() noexcept {
    return static_cast<std::uintptr_t>(::pthread_self());
}

} // namespace

void WaitQueue::enter(Place& place) noexcept {
    place.seen = changes_.load();
    if (place.role == Role::leader) {
        return;
    }
    if (leader_ != 0 && leader_ != this_thread()) {
        followers_ += place.role == Role::none ? 1 : 0;
        place.role = Role::follower;
        return;
    }
    followers_ -= place.role == Role::follower ? 1 : 0;
    place.role = Role::leader;
    place.leader_before = std::exchange(leader_, this_thread());
}

void WaitQueue::leave(Place& place) noexcept {
    if (place.role == Role::follower) {
        --followers_;
    } else if (place.role == Role::leader) {
        leader_ = place.leader_before;
        if (leader_ != 0) {
            wake_leader(); // this handler has read the counts that the leader it interrupted needs
        } else {
            wake_followers(); // one of them leads now
        }
    }
    place.role = Role::none;
}

/// The kernel has signalled the event counter for what it has completed, but not for what failed
/// before it got there, or was cancelled.
void WaitQueue::wake() noexcept {
    if (leader_ != 0 && leader_ != this_thread() && !own_.are_closed()) {
        wake_leader();
    }
    wake_followers();
}

void WaitQueue::wake_leader() noexcept {
    std::error_code ignored; // a counter that is full has been signalled
    counter_->signal(1, ignored);
}

void WaitQueue::wake_followers() noexcept {
    changes_.fetch_add(1);
    if (followers_ > 0) {
        ::syscall(SYS_futex, &changes_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
    }
}

int WaitQueue::follow(const Place& place, const timespec* limit) {
    return cancellable_futex_wait(reinterpret_cast<std::uint32_t*>(&changes_), place.seen, limit);
}

} // namespace posix
AIOXX_NAMESPACE_END
