// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/waiter.hpp"

#include <cerrno>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
extern "C" void __asan_handle_no_return();
#endif

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

std::uintptr_t this_thread() noexcept {
    return static_cast<std::uintptr_t>(::pthread_self());
}

/// A thread that is cancelled unwinds behind the address sanitizer's back, which goes on to guard
/// the frames that are gone.
void forget_unwound_frames() noexcept {
#ifdef __SANITIZE_ADDRESS__
    __asan_handle_no_return();
#endif
}

/// False when it has passed.
bool time_left(const timespec& deadline, timespec& left) noexcept {
    constexpr long second = 1'000'000'000;
    ::clock_gettime(CLOCK_MONOTONIC, &left);
    left.tv_sec = deadline.tv_sec - left.tv_sec;
    left.tv_nsec = deadline.tv_nsec - left.tv_nsec;
    if (left.tv_nsec < 0) {
        left.tv_nsec += second;
        --left.tv_sec;
    }
    return left.tv_sec >= 0 && (left.tv_sec > 0 || left.tv_nsec > 0);
}

} // namespace

void Waiter::get_ready() noexcept {
    seen_ = layer_.sequence_.load();
    if (role_ == Role::leader) {
        return;
    }
    if (layer_.leader_ != 0 && layer_.leader_ != this_thread()) {
        layer_.followers_ += role_ == Role::none ? 1 : 0;
        role_ = Role::follower;
        return;
    }
    layer_.followers_ -= role_ == Role::follower ? 1 : 0;
    role_ = Role::leader;
    leader_before_ = std::exchange(layer_.leader_, this_thread());
}

void Waiter::leave() noexcept {
    forget_unwound_frames();
    const CriticalSection section;
    step_back();
}

void Waiter::step_back() noexcept {
    if (role_ == Role::follower) {
        --layer_.followers_;
    } else if (role_ == Role::leader) {
        layer_.leader_ = leader_before_;
        if (leader_before_ != 0) {
            // The counter that was read here was the interrupted one's as well.
            std::error_code ignored;
            layer_.engine_.event_counter()->signal(1, ignored);
        } else {
            layer_.wake_followers(); // one of them leads now
        }
    }
    role_ = Role::none;
}

int Waiter::sleep(const timespec* deadline) {
    if (cut_off_) {
        return EBADF;
    }
    timespec left{};
    if (deadline != nullptr && !time_left(*deadline, left)) {
        return EAGAIN;
    }
    if (role_ == Role::follower) {
        auto* const word = reinterpret_cast<std::uint32_t*>(&layer_.sequence_);
        const int error =
            cancellable_futex_wait(word, seen_, deadline != nullptr ? &left : nullptr);
        return error == EINTR ? EINTR : 0; // the time is looked at above
    }
    const int fd = layer_.engine_.event_fd();
    if (deadline != nullptr) {
        pollfd counted{fd, POLLIN, 0};
        const int ready = ::ppoll(&counted, 1, &left, nullptr);
        if (ready <= 0) {
            return ready < 0 ? EINTR : 0;
        }
    }
    std::uint64_t count = 0;
    return ::read(fd, &count, sizeof(count)) < 0 && errno == EINTR ? EINTR : 0;
}

} // namespace posix
AIOXX_NAMESPACE_END
