// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/waiter.hpp"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

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

/// While it exists the engine signals the event counter for what workers complete.
class CounterIsRead {
public:
    explicit CounterIsRead(engine::Engine& engine) noexcept
        : engine_(engine), may_sleep_(engine.begin_sleep()) {}
    ~CounterIsRead() { engine_.end_sleep(); }
    CounterIsRead(const CounterIsRead&) = delete;
    CounterIsRead& operator=(const CounterIsRead&) = delete;

    /// False where a completion is there already.
    [[nodiscard]] bool may_sleep() const noexcept { return may_sleep_; }

private:
    engine::Engine& engine_;
    const bool may_sleep_;
};

} // namespace

void Waiter::leave_queue() noexcept {
    forget_unwound_frames();
    const CriticalSection section;
    layer_.waiters().leave(place_);
}

int Waiter::sleep(const timespec* deadline) {
    if (cut_off_) {
        return EBADF;
    }
    timespec left{};
    if (deadline != nullptr && !time_left(*deadline, left)) {
        return EAGAIN;
    }
    const timespec* const limit = deadline != nullptr ? &left : nullptr;
    if (place_.role == WaitQueue::Role::follower) {
        const int error = layer_.waiters().follow(place_, limit);
        return error == EINTR ? EINTR : 0; // the deadline is looked at above
    }
    return sleep_as_leader(limit);
}

/// By a read, which goes on after a handler with SA_RESTART; io_getevents would end with EINTR.
int Waiter::sleep_as_leader(const timespec* limit) {
    const CounterIsRead reading{layer_.engine()};
    if (!reading.may_sleep()) {
        return 0;
    }
    const int fd = layer_.engine().event_fd();
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

} // namespace posix
AIOXX_NAMESPACE_END
