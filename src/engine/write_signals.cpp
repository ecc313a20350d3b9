// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/write_signals.hpp"

#include <cerrno>
#include <ctime>

#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

WriteSignals::WriteSignals(const sigset_t& before) noexcept {
    ::sigemptyset(&pending_);
    if (::sigismember(&before, SIGPIPE) == 1 || ::sigismember(&before, SIGXFSZ) == 1) {
        ::sigpending(&pending_);
    }
}

void WriteSignals::discard(bool pipe, bool size) const noexcept {
    if (pipe) {
        discard_one(SIGPIPE);
    }
    if (size) {
        discard_one(SIGXFSZ);
    }
}

void WriteSignals::discard_new() const noexcept {
    sigset_t now;
    ::sigemptyset(&now);
    ::sigpending(&now);
    discard(::sigismember(&now, SIGPIPE) == 1, ::sigismember(&now, SIGXFSZ) == 1);
}

void WriteSignals::discard_one(int signal) const noexcept {
    if (::sigismember(&pending_, signal) == 1) {
        return;
    }
    sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, signal);
    const timespec now{};
    siginfo_t info{};
    const int errno_before = errno;
    // What was sent to the thread comes first; that of a write says that this process has sent it.
    if (::sigtimedwait(&one, &info, &now) == signal && info.si_code == SI_USER &&
        info.si_pid != ::getpid()) {
        ::kill(::getpid(), signal); // another process sent it meanwhile
    }
    errno = errno_before;
}

sigset_t NoWriteSignals::block() noexcept {
    sigset_t both;
    ::sigemptyset(&both);
    ::sigaddset(&both, SIGPIPE);
    ::sigaddset(&both, SIGXFSZ);
    sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, &both, &before);
    return before;
}

NoWriteSignals::~NoWriteSignals() {
    signals_.discard(true, true);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace engine
AIOXX_NAMESPACE_END
