// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/worker_pool.hpp"

#include "engine/worker_thread.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

constexpr std::chrono::nanoseconds shortest_idle = std::chrono::milliseconds{1};
constexpr std::chrono::nanoseconds stuck_after = std::chrono::milliseconds{10};
constexpr std::chrono::nanoseconds silent_after = FileSystems<FileSystem>::silence;

WorkerPool::Options with_idle_time(WorkerPool::Options options) noexcept {
    options.idle = std::max(options.idle, shortest_idle);
    return options;
}

/// In one of the pool's lists.
bool is_queued(const Operation& operation) noexcept {
    return static_cast<const Link<Operation, Operation::holder>&>(operation).linked;
}

} // namespace

constinit WorkerBudget worker_budget;

// --- The engine's thread ----------------------------------------------------------------------

WorkerPool::WorkerPool(const Options& options, Mailbox& mailbox, WorkerTable& table,
                       Context* context) noexcept
    : options_(with_idle_time(options)), mailbox_(mailbox), table_(table), context_(context) {}

void WorkerPool::set_context(Context* context) noexcept {
    const Lock lock{mutex_};
    context_ = context;
}

void WorkerPool::enter(OpenFile& file) {
    if (file.traits.device != 0) {
        const Lock lock{mutex_};
        file.file_system = &shares_.enter(file.traits.device);
    }
}

void WorkerPool::leave(OpenFile& file) noexcept {
    if (file.file_system != nullptr) {
        const Lock lock{mutex_};
        WorkerShares::leave(*file.file_system);
    }
}

void WorkerPool::start(std::error_code& error) noexcept {
    error.clear();
    if (running()) {
        return;
    }
    stop(); // joins a worker that ended for idleness
    const int failure = options_.limit == 0 ? EAGAIN : table_.open();
    if (failure != 0) {
        error.assign(failure, std::generic_category());
        return;
    }
    {
        // Before it runs: it may end for idleness before this thread goes on.
        const Lock lock{mutex_};
        runs_ = true;
        workers_ = 1;
    }
    if (!start_worker_thread(first_, &run_first, this)) {
        const Lock lock{mutex_};
        runs_ = false;
        workers_ = 0;
        error.assign(EAGAIN, std::generic_category());
        return;
    }
    first_to_join_ = true;
    first_is_ready_.wait();
    table_.entered();
}

void WorkerPool::stop() noexcept {
    if (!first_to_join_) {
        return;
    }
    {
        const Lock lock{mutex_};
        stopping_ = true;
        for (; called_ < sleeping_; ++called_) {
            work_.post();
        }
    }
    pthread_join(first_, nullptr);
    first_to_join_ = false;
    const Lock lock{mutex_};
    runs_ = false;
    stopping_ = false;
    while (tasks_.pop_front() != nullptr) {
    }
}

bool WorkerPool::add(Operation& operation, bool more_follow) noexcept {
    assert(!operation.in_turn || !operation.is_submitted()); // its file has to outlive the turn
    Lock lock{mutex_};
    if (!runs_) {
        return false;
    }
    const bool may_go = enter_turn(operation);
    if (may_go) {
        push(&operation);
        waits_ += has_to_wait(operation) ? 1 : 0;
        if (free_workers() == 0 && table_.is_programs() && may_start_another()) [[unlikely]] {
            start_another(lock);
        }
        note_hold_up();
    }
    if (!more_follow) {
        unlock_and_call(lock, sleeping_);
    }
    return true;
}

void WorkerPool::call_for_added() noexcept {
    Lock lock{mutex_};
    unlock_and_call(lock, sleeping_);
}

bool WorkerPool::add(Task& task) noexcept {
    Lock lock{mutex_};
    if (!runs_) {
        return false;
    }
    tasks_.push_back(task);
    unlock_and_call(lock);
    return true;
}

bool WorkerPool::take_back(Operation& operation) noexcept {
    {
        Lock lock{mutex_};
        while (operation.is_poll() && !is_queued(operation)) {
            // Submitting a poll never blocks, and once that is done it can be cancelled.
            const unsigned submitting = submitting_polls_.load(std::memory_order_relaxed);
            if (submitting == 0) {
                break;
            }
            lock.unlock();
            submitting_polls_.wait(submitting, std::memory_order_relaxed);
            lock.lock();
        }
        if (!is_queued(operation)) {
            return false;
        }
        remove(operation);
    }
    table_.taken_back(operation);
    return true;
}

// --- The workers ------------------------------------------------------------------------------

void* WorkerPool::run_first(void* self) noexcept {
    auto& pool = *static_cast<WorkerPool*>(self);
    pool.table_.enter();
    pool.first_is_ready_.post();
    {
        Lock lock{pool.mutex_};
        pool.serve(lock, true);
        while (pool.workers_ > 1) {
            lock.unlock();
            pool.worker_ended_.wait();
            lock.lock();
        }
        pool.workers_ = 0;
        const std::optional<pthread_t> last = std::exchange(pool.ended_, std::nullopt);
        lock.unlock();
        join(last);
    }
    pool.table_.leave();
    return nullptr;
}

void* WorkerPool::run_another(void* self) noexcept {
    auto& pool = *static_cast<WorkerPool*>(self);
    Lock lock{pool.mutex_};
    pool.serve(lock, false);
    pool.forget_another();
    const std::optional<pthread_t> before = std::exchange(pool.ended_, pthread_self());
    pool.worker_ended_.post();
    lock.unlock();
    join(before);
    return nullptr;
}

/// One that has ended, or has nothing to do any more but to join another such one.
void WorkerPool::join(std::optional<pthread_t> thread) noexcept {
    if (thread) {
        pthread_join(*thread, nullptr);
    }
}

void WorkerPool::serve(Lock& lock, bool first) noexcept {
    while (!stopping_) {
        const bool has_work = !tasks_.empty() || ready() > 0;
        if (has_work && free_workers() == 1 && may_start_another() && start_another(lock)) {
            continue; // meanwhile the work, or the other worker, may have gone
        }
        if (stopping_) {
            return;
        }
        if (Task* const task = tasks_.pop_front()) {
            run(*task, lock);
        } else if (ready() > 0 && may_begin_call()) {
            Operation& operation = pick();
            if (operation.is_submitted()) {
                submit(operation, lock);
            } else if (operation.in_turn) {
                call_together(operation, lock);
            } else if (operation.turn != nullptr) {
                call_reads(operation, lock);
            } else {
                call(operation, lock);
            }
        } else if (!sleep(lock) && ends_for_idleness(first)) {
            return;
        }
    }
}

/// Whichever of them it is.
void WorkerPool::forget_another() noexcept {
    --workers_;
    if (uncounted_ > 0) {
        --uncounted_;
    } else {
        worker_budget.give_back();
    }
}

bool WorkerPool::may_start_another() const noexcept {
    const unsigned beyond = workers_beyond();
    return workers_ < options_.limit + (options_.spare_for_tasks ? 1 : 0) + beyond &&
           (worker_budget.room() > 0 || (beyond > 0 && uncounted_ == 0));
}

/// False where none is to be had.
bool WorkerPool::start_another(Lock& lock) noexcept {
    if (!worker_budget.take()) {
        if (workers_beyond() == 0 || uncounted_ > 0) {
            return false;
        }
        ++uncounted_;
    }
    ++workers_;
    lock.unlock();
    pthread_t thread{};
    const bool started = start_worker_thread(thread, &run_another, this);
    lock.lock();
    if (!started) {
        forget_another();
        worker_ended_.post();
    }
    return started;
}

/// Whether a sleeper is to be called for the work that there is. A worker that is awake and free
/// takes some before it sleeps.
bool WorkerPool::needs_sleeper() const noexcept {
    if (called_ >= sleeping_) {
        return false;
    }
    const bool for_calls = may_begin_call() || may_start_another();
    const std::size_t work = tasks_.size() + (for_calls ? ready() : 0);
    const bool stands = !operations_.empty() && work == 0; // a file system may have become silent
    const bool to_watch = (!crowded_.empty() || stands) && !watched_ && looking_workers() == 0;
    return work > looking_workers() || to_watch;
}

void WorkerPool::unlock_and_call(Lock& lock, unsigned most) noexcept {
    unsigned count = 0;
    for (; count < most && needs_sleeper(); ++count) {
        ++called_;
    }
    lock.unlock();
    for (; count > 0; --count) {
        work_.post();
    }
}

/// False when it has not been called for the idle time.
bool WorkerPool::sleep(Lock& lock) noexcept {
    // While reads wait for a turn one sleeper looks now and then whether those before them get on,
    // and while operations wait for workers, whether those before them do.
    const bool watches = (!crowded_.empty() || !operations_.empty()) && !watched_;
    const std::chrono::nanoseconds time = crowded_.empty() ? silent_after : stuck_after;
    watched_ = watched_ || watches;
    ++sleeping_;
    lock.unlock();
    const bool called = work_.wait_for(watches ? std::min(options_.idle, time) : options_.idle);
    lock.lock();
    --sleeping_;
    if (called_ > 0) {
        --called_; // it may have been another's, which then finds nothing and sleeps on
    }
    if (watches) {
        watched_ = false;
        if (!operations_.empty()) {
            look_at_file_systems(std::chrono::steady_clock::now());
        }
        if (!called && (may_begin_call() || may_start_another())) {
            look_at_reads();
        }
    }
    return called || watches;
}

bool WorkerPool::ends_for_idleness(bool first) noexcept {
    if (stopping_ || !tasks_.empty() || !operations_.empty() || !slow_operations_.empty()) {
        return false;
    }
    if (!first) {
        return free_workers() > 1; // while others are in calls one stays, which can start more
    }
    if (workers_ > 1 || table_.is_in_use()) {
        return false;
    }
    runs_ = false;
    return true;
}

} // namespace engine
AIOXX_NAMESPACE_END
