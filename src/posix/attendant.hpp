// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/request.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>

#include <pthread.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// A thread for what has to go on while the program makes no calls: requests that wait outside the
/// kernel, and notices. It exists from the first reason until it has idled for a while after the
/// last. Used with the CriticalSection held.
class Attendant {
public:
    /// What the thread does. Called by it, with the CriticalSection held but for sleep() and
    /// end_sleep().
    class Duties {
    public:
        /// Does all that can be done now. May release the lock in between.
        virtual void work() noexcept = 0;
        /// There is more to do already.
        [[nodiscard]] virtual bool has_work() noexcept = 0;
        /// There will be more to do after this time, and no event will say so. 0: there will not.
        [[nodiscard]] virtual std::chrono::nanoseconds retry_after() noexcept = 0;
        /// How often threads of the program have looked for completions.
        [[nodiscard]] virtual std::uint64_t programs_looks() noexcept = 0;
        /// Nothing can be done any more: the thread ends.
        [[nodiscard]] virtual bool is_over() noexcept = 0;
        /// Announces a sleep, before the lock is released: from here until end_sleep() no other
        /// thread takes a wake() for its own. False: there is something to do, and no sleep().
        [[nodiscard]] virtual bool begin_sleep() noexcept = 0;
        /// Sleeps until there is something to do or wake() is called, `limit` at the most.
        virtual void sleep(std::chrono::nanoseconds limit) noexcept = 0;
        /// What is to be done is looked at after this.
        virtual void end_sleep() noexcept = 0;
        /// Sleeps for this time, whatever comes. Without the lock.
        virtual void nap(std::chrono::nanoseconds time) noexcept = 0;
        /// Ends a sleep(), now or the next one. By any thread.
        virtual void wake() noexcept = 0;

    protected:
        ~Duties() = default;
    };

    /// `idle`: how long the thread stays without a reason.
    Attendant(Duties& duties, std::chrono::nanoseconds idle) noexcept;
    Attendant(const Attendant&) = delete;
    Attendant& operator=(const Attendant&) = delete;

    /// Makes the thread, or ends its idling. Whether it runs. Not for signal handlers, unless it
    /// runs already.
    bool start() noexcept;
    [[nodiscard]] bool runs() const noexcept { return runs_; }
    void wake() noexcept { duties_.wake(); }

    /// One reason more to run. Makes the thread, except in a signal handler, where it runs already:
    /// what needs the attendant gave a reason when it was started. Where no thread can be made, the
    /// program's own calls do the work.
    void add_reason() noexcept {
        ++reasons_;
        start();
    }
    /// One reason less.
    void remove_reason() noexcept;
    /// The same for a request or a list, which is one reason at the most. `at_once`: it shall not
    /// wait for the program to look, as a notice of it is to be sent.
    void attend(Notice& notice, bool at_once) noexcept;
    void release(Notice& notice) noexcept;

private:
    void run() noexcept;
    void sleep() noexcept;
    bool idle() noexcept;

    Duties& duties_;
    const std::chrono::nanoseconds idle_;
    std::size_t reasons_ = 0;
    std::atomic<std::size_t> reasons_at_once_{0}; // of those; read without the lock as well
    bool runs_ = false;
    bool idles_ = false;
    std::chrono::nanoseconds next_sleep_{}; // the longest that the next sleep may be
    std::chrono::nanoseconds sleeps_for_{}; // at the most, now; 0 while awake
    std::chrono::nanoseconds nap_{};        // after a sleep
    std::uint64_t looks_ = 0;               // of the program, when the last sleep was over
    pthread_cond_t reason_came_ = PTHREAD_COND_INITIALIZER;
};

} // namespace posix
AIOXX_NAMESPACE_END
