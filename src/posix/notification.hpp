// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>
#include <csignal>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

constexpr int last_signal = 64;

/// The notice is a call of the program's function in a new thread.
inline bool wants_thread(const sigevent& notification) noexcept {
    return notification.sigev_notify == SIGEV_THREAD;
}

/// The notice is a signal. A block of zeros asks for signal 0, which is none.
inline bool wants_signal(const sigevent& notification) noexcept {
    return notification.sigev_notify == SIGEV_SIGNAL && notification.sigev_signo > 0 &&
           notification.sigev_signo <= last_signal;
}

inline bool wants_notice(const sigevent& notification) noexcept {
    return wants_thread(notification) || wants_signal(notification);
}

/// It asks for a signal number that does not exist: an error of the request.
inline bool wants_impossible_signal(const sigevent& notification) noexcept {
    return notification.sigev_notify == SIGEV_SIGNAL &&
           (notification.sigev_signo < 0 || notification.sigev_signo > last_signal);
}

/// It asks for no notice, in a way that POSIX knows.
inline bool is_silent(const sigevent& notification) noexcept {
    return notification.sigev_notify == SIGEV_NONE ||
           (notification.sigev_notify == SIGEV_SIGNAL && notification.sigev_signo == 0);
}

/// SIGEV_SIGNAL: queues the signal to this process, with the value and the code SI_ASYNCIO. False
/// where there is no room for it now (RLIMIT_SIGPENDING). Async-signal-safe.
[[nodiscard]] bool send_signal(const sigevent& notification) noexcept;

/// How far the thread of a notice has come. The thread may outlive what it tells of: each use has a
/// number, and what a thread of an earlier use says is not heard.
class ThreadProgress {
public:
    enum class Is : unsigned { made, begun, ended };

    void begin_use(std::uint64_t number) noexcept { word_.store(number << 2U); }
    [[nodiscard]] Is now() const noexcept { return static_cast<Is>(word_.load() & 3U); }

    // By the thread.
    void begin(std::uint64_t number) noexcept { move(number, Is::made, Is::begun); }
    void end(std::uint64_t number) noexcept { move(number, Is::begun, Is::ended); }

private:
    void move(std::uint64_t number, Is from, Is to) noexcept {
        std::uint64_t expected = number << 2U | static_cast<unsigned>(from);
        word_.compare_exchange_strong(expected, number << 2U | static_cast<unsigned>(to));
    }

    std::atomic<std::uint64_t> word_{0};
};

/// SIGEV_THREAD: makes the thread. False where none can be made now; true as well where none ever
/// can be, with these attributes. `progress`: told in the use `number` when the program's function
/// begins and when it has returned; null for none. Not for signal handlers.
[[nodiscard]] bool make_thread(const sigevent& notification, ThreadProgress* progress,
                               std::uint64_t number) noexcept;

} // namespace posix
AIOXX_NAMESPACE_END
