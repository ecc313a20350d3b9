// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include <pthread.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Blocks all signals of the thread, for as long as it exists: for a call that waits. They are open
/// only inside a sleep that is given before(), so that none is missed: ppoll(2) fails with EINTR
/// if, and only if, a handler has run.
class BlockedSignals {
public:
    BlockedSignals() noexcept {
        ::sigfillset(&all_);
        ::pthread_sigmask(SIG_BLOCK, &all_, &before_);
    }
    ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

    /// The signals that were blocked before.
    [[nodiscard]] const sigset_t& before() const noexcept { return before_; }
    [[nodiscard]] const sigset_t& all() const noexcept { return all_; }

private:
    sigset_t all_;
    sigset_t before_;
};

/// The one lock of the layer. While a thread holds it, all its signals are blocked and it cannot be
/// cancelled: no signal handler runs on a thread that holds the lock, so that a handler may call
/// aio_suspend whatever it has interrupted. Keeps errno. Blocks while another thread holds it;
/// no call that waits for a file is made under it.
class CriticalSection {
public:
    CriticalSection() noexcept : errno_(errno), signals_(std::in_place) {
        enter(signals_->before());
    }
    /// Where the thread blocks them already: before() is all of them.
    explicit CriticalSection(const BlockedSignals& signals) noexcept : errno_(errno) {
        enter(signals.all());
    }
    ~CriticalSection() {
        unlock();
        int ignored = 0;
        ::pthread_setcancelstate(cancelling_, &ignored);
        errno = errno_;
    }
    CriticalSection(const CriticalSection&) = delete;
    CriticalSection& operator=(const CriticalSection&) = delete;

    /// The signals that were blocked before.
    [[nodiscard]] const sigset_t& before() const noexcept { return *before_; }

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

private:
    void enter(const sigset_t& before) noexcept {
        before_ = &before;
        ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling_);
        lock();
    }

    static inline pthread_mutex_t mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

    const int errno_;
    int cancelling_ = 0;
    const sigset_t* before_ = nullptr;
    std::optional<BlockedSignals> signals_; // ends last
};

} // namespace posix
AIOXX_NAMESPACE_END
