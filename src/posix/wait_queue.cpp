// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/wait_queue.hpp"

#include "engine/high_descriptor.hpp"

#include <cerrno>
#include <cstddef>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

std::uintptr_t this_thread() noexcept {
    return static_cast<std::uintptr_t>(::pthread_self());
}

/// A bell that has rung already is heard.
void ring(int fd) noexcept {
    const int errno_before = errno;
    ::eventfd_write(fd, 1);
    errno = errno_before;
}

void silence(int fd) noexcept {
    const int errno_before = errno;
    eventfd_t count = 0;
    ::eventfd_read(fd, &count);
    errno = errno_before;
}

} // namespace

bool WaitQueue::open() noexcept {
    const int made = ::epoll_create1(EPOLL_CLOEXEC);
    if (made < 0) {
        return false;
    }
    epoll_ = engine::move_high(made);
    struct epoll_event signalled {};
    signalled.events = EPOLLIN | EPOLLET;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, counter_->fd(), &signalled) == 0;
}

void WaitQueue::enter(Place& place) noexcept {
    if (place.role == Role::leader) {
        return;
    }
    if (leader_ != 0 && leader_ != this_thread()) {
        followers_ += place.role == Role::none ? 1 : 0;
        place.role = Role::follower;
        if (place.bell == Place::none) {
            place.bell = take_bell();
        } else {
            silence(bells_[static_cast<std::size_t>(place.bell)].fd);
        }
        place.looks_often = place.bell == Place::none || leader_is_absent_;
        return;
    }
    followers_ -= place.role == Role::follower ? 1 : 0;
    give_back_bell(place.bell);
    place.role = Role::leader;
    place.leader_before = std::exchange(leader_, this_thread());
    leader_is_absent_ = false;
}

void WaitQueue::look(Place& place) noexcept {
    if (place.role == Role::leader) {
        leader_is_absent_ = false;
        // What was counted may be a follower's, and taken without the lock by another thread.
        wake_followers();
    } else if (std::exchange(place.has_slept_out, false)) {
        leader_is_absent_ = leader_is_absent_ || is_signalled();
    }
}

void WaitQueue::leave(Place& place) noexcept {
    if (place.role == Role::follower) {
        --followers_;
        give_back_bell(place.bell);
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
    if (leader_ != 0 && leader_ != this_thread()) {
        wake_leader();
    }
    wake_followers();
}

void WaitQueue::wake_leader() noexcept {
    if (!own_.are_closed()) {
        std::error_code ignored; // a counter that is full has been signalled
        counter_->signal(1, ignored);
    }
}

void WaitQueue::wake_followers() noexcept {
    if (followers_ == 0 || own_.are_closed()) {
        return;
    }
    for (const Bell& bell : bells_) {
        if (bell.is_taken) {
            ring(bell.fd);
        }
    }
}

int WaitQueue::take_bell() noexcept {
    for (std::size_t i = 0; i < bells_.size(); ++i) {
        Bell& bell = bells_[i];
        if (bell.is_taken) {
            continue;
        }
        if (bell.fd < 0) {
            const int made = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            bell.fd = made < 0 ? -1 : engine::move_high(made);
        }
        bell.is_taken = bell.fd >= 0;
        return bell.is_taken ? static_cast<int>(i) : Place::none;
    }
    return Place::none;
}

void WaitQueue::give_back_bell(int& bell) noexcept {
    constexpr std::size_t kept = 4; // open for the next that follow
    const auto index = static_cast<std::size_t>(std::exchange(bell, Place::none));
    if (index >= bells_.size()) {
        return;
    }
    bells_[index].is_taken = false;
    if (own_.are_closed()) {
        return; // the number may be the program's by now
    }
    if (index < kept) {
        silence(bells_[index].fd);
    } else {
        ::close(std::exchange(bells_[index].fd, -1));
    }
}

// A cancelled thread leaves both by unwinding, which AddressSanitizer does not see: it would go on
// to guard their frames.

/// epoll_pwait takes milliseconds.
[[gnu::no_sanitize_address]] int WaitQueue::lead(const timespec* limit, const sigset_t& mask) {
    struct epoll_event signalled {};
    if (limit == nullptr) {
        return ::epoll_pwait(epoll_, &signalled, 1, -1, &mask) < 0 && errno == EINTR ? EINTR : 0;
    }
    pollfd epoll{epoll_, POLLIN, 0};
    const int ready = ::ppoll(&epoll, 1, limit, &mask);
    if (ready < 0) {
        return errno == EINTR ? EINTR : 0;
    }
    if (ready > 0) {
        ::epoll_wait(epoll_, &signalled, 1, 0);
    }
    return 0;
}

[[gnu::no_sanitize_address]] int WaitQueue::follow(Place& place, const timespec* limit,
                                                   const sigset_t& mask) {
    const timespec pause = place.looks_often ? timespec{0, 10'000'000} : timespec{1, 0};
    const bool is_sooner = limit != nullptr && std::pair{limit->tv_sec, limit->tv_nsec} <
                                                   std::pair{pause.tv_sec, pause.tv_nsec};
    // Of -1 nothing is expected.
    const bool has_bell = place.bell != Place::none;
    pollfd bell{has_bell ? bells_[static_cast<std::size_t>(place.bell)].fd : -1, POLLIN, 0};
    const int rung = ::ppoll(&bell, 1, is_sooner ? limit : &pause, &mask);
    place.has_slept_out = rung == 0 && !is_sooner;
    return rung < 0 && errno == EINTR ? EINTR : 0;
}

/// And no leader has taken that.
bool WaitQueue::is_signalled() const noexcept {
    pollfd epoll{epoll_, POLLIN, 0};
    return ::poll(&epoll, 1, 0) == 1;
}

void WaitQueue::close_epoll() noexcept {
    if (epoll_ >= 0) {
        ::close(std::exchange(epoll_, -1));
    }
}

void WaitQueue::close_inherited() noexcept {
    close_epoll();
    for (Bell& bell : bells_) {
        if (bell.fd >= 0) {
            ::close(std::exchange(bell.fd, -1));
        }
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
