// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cerrno>
#include <csignal>

#include <pthread.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The one lock of the layer, held with all signals blocked, so that no handler runs on a thread
/// that has it: a handler may call aio_suspend, whatever it has interrupted. Cancelling the thread
/// waits until it is given back. Leaves errno alone. Blocks while another thread has it; nobody
/// waits for a file with it.
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

    /// For threads that have all signals blocked, and that nobody cancels.
    static void lock() noexcept { ::pthread_mutex_lock(&mutex); }
    static void unlock() noexcept { ::pthread_mutex_unlock(&mutex); }
    /// Gives the lock up while waiting; false when `deadline` (monotonic) has passed.
    static bool wait(pthread_cond_t& condition, const timespec& deadline) noexcept {
        return ::pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &deadline) == 0;
    }
    /// In a forked child, where the thread that forked had it.
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
