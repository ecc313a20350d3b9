// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/waiter.hpp"

#include "posix/notification.hpp"

#include <cerrno>
#include <csignal>

#ifdef __SANITIZE_ADDRESS__
extern "C" void __asan_handle_no_return();
#endif

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

/// AddressSanitizer does not see that a cancelled thread unwinds, and would go on to guard the
/// frames that are gone.
void forget_unwound_frames() noexcept {
#ifdef __SANITIZE_ADDRESS__
    __asan_handle_no_return();
#endif
}

/// False when the deadline has passed.
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

/// Whether each handler that may run while `blocked` are has SA_RESTART. One with SA_RESETHAND is
/// known by its flags, after it has run.
bool all_handlers_restart(const sigset_t& blocked) noexcept {
    for (int number = 1; number <= last_signal; ++number) {
        struct sigaction action {};
        if (::sigismember(&blocked, number) == 1 || ::sigaction(number, nullptr, &action) != 0 ||
            (action.sa_flags & SA_RESTART) != 0) {
            continue;
        }
        const bool is_handled = (action.sa_flags & SA_SIGINFO) != 0 ||
                                (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
        if (is_handled || (action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
            return false;
        }
    }
    return true;
}

/// While it exists the engine signals the event counter for what workers complete.
class CounterIsWatched {
public:
    explicit CounterIsWatched(engine::Engine& engine) noexcept
        : engine_(engine), may_sleep_(engine.begin_sleep()) {}
    ~CounterIsWatched() { engine_.end_sleep(); }
    CounterIsWatched(const CounterIsWatched&) = delete;
    CounterIsWatched& operator=(const CounterIsWatched&) = delete;

    /// False where a completion is there already.
    [[nodiscard]] bool may_sleep() const noexcept { return may_sleep_; }

private:
    engine::Engine& engine_;
    const bool may_sleep_;
};

} // namespace

void Waiter::leave_queue() noexcept {
    forget_unwound_frames();
    const CriticalSection section{signals_};
    layer_.waiters().leave(place_);
}

int Waiter::sleep(const timespec* deadline) {
    if (cut_off_) {
        return EBADF;
    }
    timespec left{};
    const bool in_time = deadline == nullptr || time_left(*deadline, left);
    if (!in_time) {
        left = {}; // no sleep, but what came until now is handled
    }
    const timespec* const limit = deadline != nullptr ? &left : nullptr;
    const int error = place_.role == WaitQueue::Role::follower
                          ? layer_.waiters().follow(place_, limit, signals_.before())
                          : sleep_as_leader(limit);
    if (error == EINTR) {
        return deadline == nullptr && all_handlers_restart(signals_.before()) ? 0 : EINTR;
    }
    return in_time ? error : EAGAIN;
}

int Waiter::sleep_as_leader(const timespec* limit) {
    const CounterIsWatched watching{layer_.engine()};
    constexpr timespec no_time{};
    return layer_.waiters().lead(watching.may_sleep() ? limit : &no_time, signals_.before());
}

} // namespace posix
AIOXX_NAMESPACE_END
