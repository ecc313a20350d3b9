// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/waiter.hpp"

#include "engine/pause_processor.hpp"

#include <cerrno>
#include <chrono>

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

/// While this thread sleeps, however it ends.
class TellEngine {
public:
    explicit TellEngine(engine::Engine& engine) noexcept
        : engine_(engine), has_to_look_(!engine.begin_wait()) {}
    ~TellEngine() { engine_.end_wait(); }
    TellEngine(const TellEngine&) = delete;
    TellEngine& operator=(const TellEngine&) = delete;

    [[nodiscard]] bool has_to_look() const noexcept { return has_to_look_; }

private:
    engine::Engine& engine_;
    const bool has_to_look_;
};

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
    if (spins_) {
        has_spun_in_vain_ = !spin();
        return 0;
    }
    return sleep_by_event_fd(deadline != nullptr ? &left : nullptr);
}

int Waiter::sleep_by_event_fd(const timespec* limit) {
    const TellEngine told{layer_.engine_};
    if (told.has_to_look()) {
        return 0;
    }
    const int fd = layer_.engine_.event_fd();
    if (limit != nullptr) {
        pollfd counted{fd, POLLIN, 0};
        const int ready = ::ppoll(&counted, 1, limit, nullptr);
        if (ready <= 0) {
            return ready < 0 ? EINTR : 0;
        }
    }
    std::uint64_t count = 0;
    return ::read(fd, &count, sizeof(count)) < 0 && errno == EINTR ? EINTR : 0;
}

/// A helper that has to be woken first had better find this thread out of its way.
bool Waiter::may_spin() const noexcept {
    return layer_.engine_.ends_soon() && layer_.has_many_processors_;
}

bool Waiter::spin() noexcept {
    constexpr std::chrono::microseconds longest{20};
    constexpr int between_looks_at_clock = 8;
    engine::Restraint& restraint = layer_.spinning_;
    if (!may_spin() || restraint.applies()) {
        return false;
    }
    using Clock = std::chrono::steady_clock;
    const Clock::time_point end = Clock::now() + longest;
    do {
        for (int i = 0; i < between_looks_at_clock; ++i) {
            if (layer_.has_events()) {
                restraint.succeeded();
                return true;
            }
            engine::pause_processor();
        }
    } while (Clock::now() < end);
    restraint.failed();
    return false;
}

} // namespace posix
AIOXX_NAMESPACE_END
