// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
//
// Structure of the engine
//
// The engine carries out operations on files by kernel AIO, and handles its traps once, for the
// queue and for the POSIX layer. A floor above owns the operations: it fills in a request, calls
// Engine::start(), and gets each operation back exactly once from Engine::take().
//
// In the middle is the Scheduler. It decides, and touches nothing: events go in (an operation is
// started, a result has come, a file is ready), and lists of operations come out (these are to be
// submitted, these are for a worker, these have completed). doc/engine.md shows the states.
//
// Around it are the parts that carry out what it decides:
//
//   Submitter    io_submit on the engine's thread, in batches; partial submits and every errno
//   WorkerPool   threads that make calls which block
//   Readiness    waits until streams are ready: by POLL, or by one epoll descriptor
//   OpenFile     how a file stays open, and by which descriptors it is reached
//   EventWait    how a thread sleeps until something completes: in the ring, or by a ppoll
//   Mailbox      what workers and other threads tell the engine, with one wake for many
//
// A pass is one round of Engine::flush(): it takes operations off the scheduler's lists until none
// is left that can go on. No part calls another one's event: what an answer makes possible goes
// onto a list, and the loop in flush() takes it off.
//
// Engine::reap() takes completions out of the ring and out of the Mailbox, and tells the scheduler.
// It allocates nothing, starts no thread, and runs no code of the user's. Files that nothing uses
// any more are closed at the end of the next pass.
//
// Threads: one at a time uses an engine. wake() and the functions that say so are for any thread.
#pragma once

#include <aioxx/core/context.hpp>
#include <aioxx/core/event_fd.hpp>
#include <aioxx/engine/cancellation.hpp>

#include "core/fork_generation.hpp"
#include "engine/alarm.hpp"
#include "engine/event_wait.hpp"
#include "engine/file_systems.hpp"
#include "engine/lazy_context.hpp"
#include "engine/mailbox.hpp"
#include "engine/readiness.hpp"
#include "engine/scheduler.hpp"
#include "engine/slots.hpp"
#include "engine/statistics.hpp"
#include "engine/submitter.hpp"
#include "engine/worker_pool.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Owns the parts and connects them, hence its many members. See the top of this file.
class Engine {
public:
    struct Options {
        unsigned depth = 128; // operations in the kernel at a time
        WorkerPool::Options workers;
        /// Kernel AIO or an error; else workers do without where io_setup is refused.
        bool needs_kernel_aio = false;
        bool nowait_always = false; // direct I/O as well: submit never blocks, at a price
        bool time_submits = false;  // fill Statistics::submit_time
        bool event_fd = false;      // count completions there
        /// A read of it waits for the next completion; begin_sleep() tells the engine of it.
        bool event_fd_blocks = false;
        /// The engine's own descriptors lie at the top of the table: the program's lowest free
        /// number stays what it was.
        bool high_descriptors = false;
        /// Where a flush waits for writes, it waits for reads as well.
        bool flush_after_reads = false;
        /// Where workers make their calls; null: the program's own descriptor table.
        WorkerTable* table = nullptr;
    };

    /// Makes the context with Options::needs_kernel_aio; else the first operation does that wants
    /// it.
    Engine(const Options& options, std::error_code& error);
    /// Waits until the kernel has given back every operation that is still with it.
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Makes a file known before its first operation. Throws std::bad_alloc.
    void add(OpenFile& file);
    /// No operation will be started on it any more. The engine retires it when it is done with it.
    void close(OpenFile& file) noexcept;
    /// Likewise for all files that have no operation under way.
    void close_idle_files() noexcept;
    /// Retires all files. For the end of the engine: nothing may be started or reaped any more.
    void retire_files() noexcept;

    /// Takes an idle operation over. The next flush() carries it on, unless it has to wait.
    void start(Operation& operation) noexcept {
        OpenFile& file = open_file(operation);
        if ((context_.may_be_made() && file.traits.direct) || file.operations == 0) {
            begin_use(file);
        }
        scheduler_.start(operation);
    }
    Cancellation cancel(Operation& operation) noexcept;
    /// One pass: submits what is ready, by one call where nothing is refused, and hands over to
    /// workers. May start a thread.
    void flush() noexcept {
        if (has_commands() || is_unwatched()) {
            pass(true);
        }
    }
    /// The same without starting a thread; what needs one stays for the next flush().
    void flush_without_threads() noexcept {
        if (has_commands()) {
            pass(false);
        }
    }
    /// Takes what has completed, without waiting. Whether anything had.
    bool reap() noexcept;
    /// The next completed operation, idle again; null when there is none.
    Operation* take() noexcept {
        Operation* const operation = scheduler_.done.pop_front();
        if (operation != nullptr) {
            operation->move_to(State::idle);
        }
        return operation;
    }
    /// The number of `file` is not valid any more for the engine's thread, until `usable` is set.
    void expire(OpenFile& file) noexcept { scheduler_.expire(file); }

    /// Whether reap() would find something. Makes no system call, but says yes where there is no
    /// ring to look at. Any thread.
    [[nodiscard]] bool has_events() const noexcept {
        const Context* const context = context_.get();
        return mailbox_.has_mail() || (context != nullptr && context->has_events());
    }
    /// Waits until something completes, at most `limit` (null: without limit), or wake() is called.
    /// EINTR is surfaced.
    void wait(const std::chrono::nanoseconds* limit, std::error_code& error) noexcept {
        wait(limit, 1, error);
    }
    /// The same for one who can do nothing before `expected` have completed: where the kernel has
    /// as many, this thread may sleep until then, at most EventWait::longest_together.
    void wait(const std::chrono::nanoseconds* limit, std::size_t expected,
              std::error_code& error) noexcept;
    /// Waits for an event without taking it, or for wake(), at most `limit`. Any thread, beside
    /// others that reap.
    void await_event(std::chrono::nanoseconds limit) noexcept { wait_.await_event(limit); }
    /// Around a read of the event descriptor that waits, with Options::event_fd_blocks. False:
    /// there is something to reap. Any thread.
    bool begin_sleep() noexcept { return mailbox_.begin_sleep(Mailbox::Sleep::event_fd); }
    void end_sleep() noexcept { mailbox_.end_sleep(Mailbox::Sleep::event_fd); }
    /// Ends a wait(), now or the next one. Any thread; async-signal-safe.
    void wake() noexcept { mailbox_.wake(); }

    /// In a forked child, which has copies of the descriptors. Nothing else may be called there.
    /// What was opened anew for files is left to the floor above.
    void close_inherited_descriptors() noexcept;
    /// In a forked child: has_events() may have been interrupted by a handler that has forked, and
    /// goes on.
    void leave_ring_to_parent() noexcept;

    /// Whether it was made, by this process.
    [[nodiscard]] bool is_open() const noexcept {
        return generation_ != 0 && generation_ == fork_generation::current();
    }
    /// Whether operations go by kernel AIO, where that is their way. Makes the context.
    [[nodiscard]] bool uses_kernel_aio() noexcept {
        make_context();
        return uses_slots();
    }
    /// The same of this moment. Any thread.
    [[nodiscard]] bool uses_slots() const noexcept { return scheduler_.slots().has_any(); }
    /// Whether io_setup, or io_submit, has been refused and nothing has changed since.
    [[nodiscard]] bool lacks_context() const noexcept {
        return !uses_slots() && static_cast<bool>(context_.error());
    }
    /// The call that has failed in the constructor.
    [[nodiscard]] const char* failed_call() const noexcept { return opening_; }
    /// What io_setup is asked for first.
    [[nodiscard]] unsigned events_asked() const noexcept { return context_.events_asked(); }
    /// Any thread reads them.
    [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }
    /// Operations that had to wait for a worker. Any thread.
    [[nodiscard]] std::uint64_t worker_waits() const noexcept { return workers_.waits(); }
    /// With the kernel, on their way there, or with a worker that submits. Any thread.
    [[nodiscard]] std::size_t in_kernel() const noexcept {
        return scheduler_.slots().read_used() + readiness_.polls();
    }
    /// Files that were added and not retired.
    [[nodiscard]] std::size_t files() const noexcept { return files_.size(); }
    /// Any thread.
    [[nodiscard]] std::size_t backlog() const noexcept { return scheduler_.backlog_size(); }
    /// The kernel had no room: to be flushed again, and no event may come before.
    [[nodiscard]] bool has_unsubmitted() const noexcept { return !scheduler_.to_submit.empty(); }
    /// Whether a flush would submit, or try, or wait for anything.
    [[nodiscard]] bool has_to_flush() const noexcept {
        return !scheduler_.to_submit.empty() || !scheduler_.to_call.empty() ||
               !scheduler_.to_watch.empty();
    }
    /// Whether something waits for a worker, and none runs.
    [[nodiscard]] bool has_to_run() const noexcept { return !scheduler_.to_run.empty(); }
    [[nodiscard]] bool has_completed() const noexcept { return !scheduler_.done.empty(); }
    /// How many times take() has one to give.
    [[nodiscard]] std::size_t completed() const noexcept { return scheduler_.done.size(); }
    /// As asked for until the context is made.
    [[nodiscard]] unsigned depth() const noexcept { return context_.depth(); }
    /// -1 unless Options::event_fd.
    [[nodiscard]] int event_fd() const noexcept { return event_fd_ ? event_fd_->fd() : -1; }
    /// For an event loop, readable when there is something to reap; -1 unless Options::event_fd, or
    /// with event_fd_blocks.
    [[nodiscard]] int loop_fd() const noexcept { return loop_fd_; }
    [[nodiscard]] int wake_fd() const noexcept { return wake_fd_ ? wake_fd_->fd() : -1; }
    [[nodiscard]] EventFd* event_counter() noexcept { return event_fd_ ? &*event_fd_ : nullptr; }
    [[nodiscard]] WorkerPool& workers() noexcept { return workers_; }
    [[nodiscard]] Mailbox& mailbox() noexcept { return mailbox_; }
    [[nodiscard]] Readiness& readiness() noexcept { return readiness_; }

private:
    void open_event_fd(std::optional<EventFd>& where, EventFd::Mode mode,
                       std::error_code& error) const noexcept;
    void open_loop_fd(std::error_code& error) noexcept;
    void close_loop_fd() noexcept;
    void begin_use(OpenFile& file) noexcept;
    void make_context() noexcept;
    void lose_context(int error) noexcept;
    void arm_wake_poll() noexcept;

    /// Whether there is anything to do in a pass.
    [[nodiscard]] bool has_commands() const noexcept {
        return !scheduler_.to_submit.empty() || !scheduler_.to_call.empty() ||
               !scheduler_.to_run.empty() || !scheduler_.to_watch.empty() ||
               !scheduler_.to_probe.empty() || !scheduler_.to_release.empty() ||
               !readiness_.ready.empty();
    }
    /// Whether something waits for a slot, and nothing sees to it that it does not do so for ever.
    [[nodiscard]] bool is_unwatched() const noexcept {
        return scheduler_.backlog_size() > 0 &&
               (options_.table != nullptr || alarm_ == nullptr || !alarm_->is_set());
    }
    void pass(bool may_start_threads) noexcept;
    void submit() noexcept;
    void call(Operation& operation) noexcept;
    void hand_over(bool may_start_threads) noexcept;
    bool hand_over(Operation& operation, bool more_follow) noexcept;
    void without_worker(Operation& operation, int error) noexcept;
    void watch() noexcept;
    void probe(Operation& operation) noexcept;
    void tell_ready(bool in_pass) noexcept;
    void watch_progress() noexcept;
    void look_at_progress() noexcept;
    void look_at_slots() noexcept;
    /// Whether operations wait for others that may not end.
    [[nodiscard]] bool is_held_up() noexcept {
        return scheduler_.backlog_size() > 0 || scheduler_.slots().are_short() ||
               workers_.is_held_up();
    }
    void release_files() noexcept;
    void refused(Operation& operation, int error) noexcept;

    /// Whether there was anything, mail included.
    bool take_events() noexcept;
    void take_mail() noexcept;
    void event(Operation& operation, std::int64_t result, std::int64_t result2) noexcept;
    Cancellation cancel_in_kernel(Operation& operation) noexcept;

    const Options options_;
    Statistics statistics_;
    std::optional<EventFd> wake_fd_;
    std::optional<EventFd> event_fd_;
    Operation wake_poll_;
    std::unique_ptr<Alarm> alarm_; // null until operations wait for others that may not end
    Mailbox mailbox_;
    SharedTable shared_table_;
    FileSystems<SlotHolder> slot_holders_;
    SlotHolder servers_;
    SlotHolder others_; // what is on no file system
    Scheduler scheduler_;
    Submitter submitter_;
    LazyContext context_; // what the kernel holds is declared above, and outlives it
    WorkerPool workers_;
    Readiness readiness_;
    EventBatch events_;
    EventWait wait_{context_, mailbox_, submitter_, readiness_, events_};
    List<OpenFile, 1> files_;
    const char* opening_ = "eventfd"; // while the constructor runs: the call that it makes
    std::uint64_t generation_ = 0;    // of the process that made it; 0: none has
    int loop_fd_ = -1;
};

} // namespace engine
AIOXX_NAMESPACE_END
