// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cerrno>
#include <csignal>

#include <pthread.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The one lock of the layer. While a thread holds it, all its signals are blocked and it cannot be
/// cancelled: no signal handler runs on a thread that holds the lock, so that a handler may call
/// aio_suspend whatever it has interrupted. Keeps errno. Blocks while another thread holds it;
/// no call that waits for a file is made under it.
class CriticalSection {
public:
    CriticalSection() noexcept : errno_(errno) { enter(before_, cancelling_); }
    ~CriticalSection() {
        leave(before_, cancelling_);
        errno = errno_;
    }
    CriticalSection(const CriticalSection&) = delete;
    CriticalSection& operator=(const CriticalSection&) = delete;

    /// The signals that were blocked before.
    [[nodiscard]] const sigset_t& before() const noexcept { return before_; }

    /// For threads that block all signals and are never cancelled.
    static void lock() noexcept { ::pthread_mutex_lock(&mutex); }
    static bool try_lock() noexcept { return ::pthread_mutex_trylock(&mutex) == 0; }
    static void unlock() noexcept { ::pthread_mutex_unlock(&mutex); }
    /// Releases the lock while it waits. False when `deadline` (monotonic) has passed.
    static bool wait(pthread_cond_t& condition, const timespec& deadline) noexcept {
        return ::pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &deadline) == 0;
    }
    /// In a forked child, where the thread that forked held it.
    static void make_anew() noexcept { mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP; }

    static void enter(sigset_t& before, int& cancelling) noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &before);
        ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
        lock();
    }
    static void leave(const sigset_t& before, int cancelling) noexcept {
        unlock();
        int ignored = 0;
        ::pthread_setcancelstate(cancelling, &ignored);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

private:
    static inline pthread_mutex_t mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

    int errno_;
    int cancelling_ = 0;
    sigset_t before_;
};

} // namespace posix
AIOXX_NAMESPACE_END
