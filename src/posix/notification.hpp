// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>
#include <csignal>

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

/// SIGEV_THREAD: makes the thread. False where none can be made now. `runs`: set by the thread
/// before it calls the program's function; null for none. Not for signal handlers.
[[nodiscard]] bool make_thread(const sigevent& notification, std::atomic<bool>* runs) noexcept;

} // namespace posix
AIOXX_NAMESPACE_END
