// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <csignal>

AIOXX_NAMESPACE_BEGIN
namespace posix {

constexpr int last_signal = 64;

/// The notice is a call of the program's function, by a thread that is made for it.
inline bool wants_thread(const sigevent& notification) noexcept {
    return notification.sigev_notify == SIGEV_THREAD;
}

/// The notice is a signal. A block that is all zeros asks for signal 0, which is none.
inline bool wants_signal(const sigevent& notification) noexcept {
    return notification.sigev_notify == SIGEV_SIGNAL && notification.sigev_signo > 0 &&
           notification.sigev_signo <= last_signal;
}

inline bool wants_notice(const sigevent& notification) noexcept {
    return wants_thread(notification) || wants_signal(notification);
}

/// It asks for a signal that there is not: that is an error of the request.
inline bool wants_impossible_signal(const sigevent& notification) noexcept {
    return notification.sigev_notify == SIGEV_SIGNAL &&
           (notification.sigev_signo < 0 || notification.sigev_signo > last_signal);
}

/// It asks for no notice, in a way that the standard knows.
inline bool is_silent(const sigevent& notification) noexcept {
    return notification.sigev_notify == SIGEV_NONE ||
           (notification.sigev_notify == SIGEV_SIGNAL && notification.sigev_signo == 0);
}

} // namespace posix
AIOXX_NAMESPACE_END
