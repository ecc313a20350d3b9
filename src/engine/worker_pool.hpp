// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/context.hpp>

#include "engine/adaptive_mutex.hpp"
#include "engine/backlog.hpp"
#include "engine/counter.hpp"
#include "engine/mailbox.hpp"
#include "engine/semaphore.hpp"
#include "engine/worker_budget.hpp"
#include "engine/worker_shares.hpp"
#include "engine/worker_table.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>

#include <pthread.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Threads that make the calls which may block: preadv2, pwritev2, fsync, fdatasync, openat,
/// fallocate, ftruncate, and, for operations whose way is Way::worker_submit and for polls,
/// io_submit.
///
/// The engine's thread starts the first worker, and a worker starts each of the others, so that all
/// of them have the first one's descriptor table. A worker that would leave none free by beginning
/// a call starts another one before, up to the pool's limit and to that of the process; where the
/// latter refused it and has room later, the engine's thread starts it, if the table is the
/// program's own. What is slow (see WorkerShares) takes no more than three quarters of the workers
/// that there may be: it holds up nothing else. What it holds beyond, as it became slow later, is
/// made up for by other workers; so a pool of one has a second worker while a server holds the
/// first. One of those each pool has whatever the process has taken. Workers that have been idle
/// for a while end; the last one is the first that was started, and it stays while the table is in
/// use. They block all
/// signals but the C library's own two. None of them is left to itself: one that ends joins the one
/// that ended before it, the first joins the last of the others, and is joined by stop(). So no
/// thread runs code of the library's any more when the pool has gone.
///
/// Ownership: operations and tasks are the caller's. Threads: the functions are for the engine's
/// thread. Blocking: only start(), stop() and, for a poll, take_back() wait for a worker. Only
/// start() allocates.
class WorkerPool {
public:
    struct Options {
        unsigned limit = 16; // workers that are in a call at a time; 0: no operation can be added
        /// One worker more, which is free while the others are in calls: for the tasks of a table
        /// that has some.
        bool spare_for_tasks = false;
        std::chrono::nanoseconds idle = std::chrono::seconds{1};
    };

    /// Something else for a worker to do, before any operation. It stays where it is until run()
    /// has begun, and the pool does not use it afterwards.
    struct Task : Link<Task, 0> {
        void (*run)(Task& task) noexcept = nullptr;
    };

    /// `context`: what worker_submit and polls are submitted to; null where there is none.
    WorkerPool(const Options& options, Mailbox& mailbox, WorkerTable& table,
               Context* context) noexcept;
    ~WorkerPool() { stop(); }
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// For the operations that are added from now on.
    void set_context(Context* context) noexcept;
    /// A file is known from now on, or not any more. Throws std::bad_alloc.
    void enter(OpenFile& file);
    void leave(OpenFile& file) noexcept;

    /// Makes sure that a worker runs, and returns when it is in its table. EAGAIN when none is
    /// allowed or to be had; or why the table cannot be had.
    void start(std::error_code& error) noexcept;
    /// Waits until the calls and tasks that were begun have returned, and ends all workers.
    /// Operations that were not begun stay, for take_back(). Tasks that were not begun are dropped.
    void stop() noexcept;
    /// Whether a worker runs. Stays true while the table is in use; otherwise a worker may end for
    /// idleness at any time, so the answer of add() is the one that counts.
    [[nodiscard]] bool running() const noexcept { return runs_.load(std::memory_order_relaxed); }
    /// The same for a table that has just been taken into use: once true it stays so.
    [[nodiscard]] bool stays() noexcept {
        const Lock lock{mutex_};
        return runs_;
    }
    /// In a forked child, whose copy has no threads: the destructor does nothing afterwards.
    void forget_threads() noexcept { first_to_join_ = false; }

    /// Takes an operation over, in state `worker`; its iocb is prepared where it is to be
    /// submitted, but for the descriptor. It comes back through the Mailbox with its result; one
    /// that io_submit has accepted comes back in the ring. Plain calls that are in_turn are made
    /// one after the other for each file. False, and nothing has changed, when no worker runs.
    /// `more_follow`: others are added at once, or call_for_added() is called. A worker that is
    /// called for the first of them would not find the others.
    [[nodiscard]] bool add(Operation& operation, bool more_follow = false) noexcept;
    void call_for_added() noexcept;
    [[nodiscard]] bool add(Task& task) noexcept;
    /// Takes an operation back before a worker has begun it; false when it is too late. A poll that
    /// is just being submitted is waited for, so that it can be cancelled afterwards.
    bool take_back(Operation& operation) noexcept;

    /// Operations that had to wait for another's call when they were added. Any thread.
    [[nodiscard]] std::uint64_t waits() const noexcept { return waits_; }

    /// Whether, at the last add() or look(), operations had to wait for workers whose calls may
    /// never return: look() is to be called now, and each second while it says so. Where the pool
    /// has a spare worker that one does.
    [[nodiscard]] bool is_held_up() const noexcept {
        return held_up_.load(std::memory_order_relaxed);
    }
    /// May start a worker. `now`: on the steady clock.
    void look(WorkerShares::Time now) noexcept;

private:
    using Lock = std::unique_lock<AdaptiveMutex>;

    static void* run_first(void* self) noexcept;
    static void* run_another(void* self) noexcept;
    static void join(std::optional<pthread_t> thread) noexcept;

    // With the mutex held; those that take the lock release it in between.
    void serve(Lock& lock, bool first) noexcept;
    bool sleep(Lock& lock) noexcept;
    bool ends_for_idleness(bool first) noexcept;
    bool start_another(Lock& lock) noexcept;
    void forget_another() noexcept;
    void run(Task& task, Lock& lock) noexcept;
    void call(Operation& operation, Lock& lock) noexcept;
    void call_reads(Operation& first, Lock& lock) noexcept;
    void call_together(Operation& operation, Lock& lock) noexcept;
    void submit(Operation& operation, Lock& lock) noexcept;
    bool enter_turn(Operation& operation) noexcept;
    void remove(Operation& operation) noexcept;
    Operation* pass_turn(OpenFile& file, Turn& turn) noexcept;
    void push(Operation* operation) noexcept;
    Operation& pick() noexcept;
    Backlog& list_of(const Operation& operation) noexcept {
        return operation.is_slow ? slow_operations_ : operations_;
    }
    static WorkerShares::Call call_on(const Operation& operation) noexcept;
    WorkerShares::Call begin(const Operation& operation) noexcept;
    void completed(const WorkerShares::Call& call) noexcept;
    void end(const WorkerShares::Call& call) noexcept;
    void sort_operations() noexcept;
    void look_at_file_systems(WorkerShares::Time now) noexcept;
    /// Operations that may be begun, as far as shares are concerned.
    [[nodiscard]] std::size_t ready() const noexcept;
    [[nodiscard]] unsigned most_workers() const noexcept;
    [[nodiscard]] unsigned workers_beyond() const noexcept;
    void note_hold_up() noexcept;
    [[nodiscard]] bool has_to_wait(const Operation& added) const noexcept;
    void publish(std::span<Operation* const> made, Lock& lock) noexcept;
    void note_crowd(OpenFile& file) noexcept;
    void look_at_reads() noexcept;
    [[nodiscard]] bool needs_sleeper() const noexcept;
    void unlock_and_call(Lock& lock, unsigned most = 1) noexcept;

    [[nodiscard]] unsigned free_workers() const noexcept { return workers_ - shares_.busy(); }
    /// Workers that will look for work before they sleep.
    [[nodiscard]] unsigned looking_workers() const noexcept {
        return free_workers() - (sleeping_ - called_);
    }
    [[nodiscard]] bool may_start_another() const noexcept;
    /// Of the workers that are free: a spare one stays free, unless it is alone.
    [[nodiscard]] bool may_begin_call() const noexcept {
        return !options_.spare_for_tasks || free_workers() > 1 || workers_ == 1;
    }

    const Options options_;
    Mailbox& mailbox_;
    WorkerTable& table_;
    pthread_t first_{};
    Semaphore first_is_ready_;
    Semaphore worker_ended_;
    Semaphore work_; // counts sleepers that have been called
    bool first_to_join_ = false;

    AdaptiveMutex mutex_; // what follows
    Context* context_;
    Counter waits_;
    Backlog operations_;      // but for those
    Backlog slow_operations_; // were slow when they came in
    List<Task> tasks_;
    List<OpenFile, 2> crowded_; // with reads that wait for a turn
    WorkerShares shares_;
    unsigned workers_ = 0;   // the first one included
    unsigned uncounted_ = 0; // of them, beside the first: those of which the process knows not
    unsigned sleeping_ = 0;  // of them, those that wait for work_
    unsigned called_ = 0;    // of those, the ones that have been called
    bool slow_next_ = false; // of operations of one rank
    bool watched_ = false;   // a sleeper looks before long whether the crowded get on
    bool stopping_ = false;
    std::optional<pthread_t> ended_;            // of those but the first, the last that ended
    std::atomic<bool> runs_{false};             // written with the mutex
    std::atomic<bool> held_up_{false};          // the same
    std::atomic<unsigned> submitting_polls_{0}; // written with the mutex, waited for without
};

} // namespace engine
AIOXX_NAMESPACE_END
