// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/caught_exception.hpp>
#include <aioxx/queue/queue.hpp>
#include <aioxx/queue/task_node.hpp>

#include "core/fork_generation.hpp"
#include "engine/engine.hpp"
#include "engine/monotonic.hpp"
#include "file/file_use.hpp"
#include "queue/background.hpp"
#include "queue/cancel_requests.hpp"
#include "queue/copies.hpp"
#include "queue/descriptor_reference.hpp"
#include "queue/owner.hpp"
#include "queue/pool_wait.hpp"
#include "queue/record.hpp"
#include "queue/timers.hpp"
#include "queue/visitors.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <vector>

AIOXX_NAMESPACE_BEGIN

/// The queue itself; its members are defined in one file for each of the topics below. Outlives
/// the Queue when the kernel still holds memory that it owns.
struct __attribute__((visibility("hidden"))) Queue::Implementation : queue::Background::Rest {
    using Clock = std::chrono::steady_clock;
    using Record = queue::Record;

    static constexpr unsigned most_nested = 32;

    explicit Implementation(const Options& chosen, std::error_code& error);
    ~Implementation();
    Implementation(const Implementation&) = delete;
    Implementation& operator=(const Implementation&) = delete;

    /// In a forked child, whose copy is not to be used. Any thread.
    [[nodiscard]] bool is_copy() const noexcept { return fork_generation::current() != generation; }
    /// Null where its construction has failed, and for a child's copy: what that holds is its
    /// parent's. Any thread.
    static Implementation* usable(Implementation* queue) noexcept {
        return queue != nullptr && !queue->is_copy() ? queue : nullptr;
    }
    /// The same, but throws EINVAL.
    static Implementation& expect_usable(Implementation* queue, const char* call) {
        if (usable(queue) == nullptr) [[unlikely]] {
            detail::throw_error(std::make_error_code(std::errc::invalid_argument), call);
        }
        return *queue;
    }
    /// Throws EDEADLK inside a callback, or in what a task does before it waits.
    void refuse_if_running(const char* call) const {
        if (delivering > 0) [[unlikely]] {
            detail::throw_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                                call);
        }
    }
    /// Callbacks that run the queue lie on the stack, one on the other: not without end.
    [[nodiscard]] bool is_too_deep() const noexcept { return delivering >= most_nested; }

    // Starting
    detail::Handler* prepare(detail::Request& request, int& error);
    Record* prepare_usual(detail::Request& request) noexcept;
    detail::Handler* prepare_any(detail::Request& request, int& error);
    [[nodiscard]] const File* file_for_opening(int& error) noexcept;
    void make_parts(Record& record, detail::Request& request);
    /// What the engine knows of `file`. Throws std::bad_alloc.
    queue::DescriptorReference& file_of(const File& file) {
        detail::SharedDescriptor& descriptor = detail::SharedDescriptor::of(file);
        detail::FileUse* const use = descriptor.use_by(this);
        return use != nullptr ? static_cast<queue::DescriptorReference&>(*use)
                              : use_first(file, descriptor);
    }
    queue::DescriptorReference& use_first(const File& file, detail::SharedDescriptor& descriptor);
    /// A record for an operation on `file`, or for one without. Throws std::bad_alloc.
    Record& take(const File* file) {
        if (file == nullptr) {
            Record& record = pool.take(nullptr);
            record.file = nullptr;
            return record;
        }
        queue::DescriptorReference& reference = file_of(*file);
        Record& record = pool.take(&reference.newest_record);
        record.file = &reference;
        return record;
    }
    void close_files() noexcept;
    OperationId launch(Record& record) noexcept;
    OperationId launch_alone(Record& record) noexcept;
    void begin_own(Record& record) noexcept;
    void begin_timed(Record& record) noexcept;
    void begin_waiting_for_buffer(Record& record) noexcept;
    void end_pool_waits() noexcept;
    /// Those that wait for room take none.
    [[nodiscard]] bool is_full() const noexcept {
        assert(places == options.limit - (outstanding() - rooms.size()));
        return places == 0;
    }

    // Giving up
    int make_room(const detail::Request& request);
    void prepare_copied(Record& record, const detail::Request& request);
    void give_up(Record& record) noexcept;
    void forget(Record& record) noexcept;
    std::size_t tell_given_up();
    void tell_given_up(Record& record);
    void ended_in_quarantine(Record& record) noexcept;
    void begin_waiting_for_quarantine(Record& record) noexcept;
    void tell_waiting_for_quarantine(Record& ended) noexcept;

    /// Started, and not told to its user.
    [[nodiscard]] std::size_t outstanding() const noexcept {
        return static_cast<std::size_t>(started.value() - completed.value() - cancelled.value() -
                                        timed_out.value());
    }

    [[nodiscard]] QueueStatistics read_counts() const noexcept;

    /// For what is begun now. A pass has read it as it began.
    void read_clock() noexcept {
        if (delivering == 0) {
            pass_time = engine::monotonic_tick();
        }
    }

    // Running
    std::size_t pass();
    std::size_t pass_for_user();
    std::size_t deliver();
    std::size_t deliver_own(std::size_t most);
    std::size_t deliver_posts();
    void take_posts() noexcept;
    void cancel_requested(std::size_t count) noexcept;
    void complete(Record& record);
    void complete_marked(Record& record);
    void tell(Record& record);
    void count_told(const Record& record) noexcept;
    /// The same where no wait for a place can have begun, or is looked for later.
    void count_told(std::int64_t result) noexcept {
        ++count_of(result);
        ++places;
    }
    [[nodiscard]] engine::Counter& count_of(std::int64_t result) noexcept {
        if (result >= 0) [[likely]] {
            return completed;
        }
        return result == -ECANCELED ? cancelled : result == -ETIMEDOUT ? timed_out : completed;
    }
    /// For one that is queue::Inside.
    void call(detail::Handler& handler, Completion& completion) {
        try {
            handler.invoke(completion);
        } catch (...) {
            keep(detail::caught_exception()); // run() raises it when all are delivered
        }
    }
    /// One whose callback has returned.
    void give_back(Record& record) noexcept {
        if (record.is_queues_own()) [[unlikely]] {
            give_back_own(record);
        }
        pool.give_back_without_buffer(record);
    }
    void give_back_own(Record& record) noexcept;
    void expire();
    void expire_own(Record& record) noexcept;
    void admit_waiting_for_room() noexcept;
    std::size_t round();
    void wait(bool heeds_stop = true, std::size_t expected = 1);
    [[nodiscard]] static std::chrono::nanoseconds time_until(Clock::time_point time) noexcept;
    bool anything_outstanding() noexcept;
    void watch_timers() noexcept;
    void set_timer() noexcept;
    void watch_timer_file() noexcept;
    void signal_if_ready() noexcept;
    /// That other threads have left.
    [[nodiscard]] bool any_messages() const noexcept {
        return any_posts.load(std::memory_order_acquire) || !ended_pool_waits.empty();
    }
    /// At its end a callback's pass looks for itself.
    void signal_outside() noexcept {
        if (delivering == 0) {
            signal_if_ready();
        }
    }

    // Exceptions that leave callbacks and tasks
    void keep(std::exception_ptr failure) noexcept;
    std::exception_ptr take_failure() noexcept;
    void rethrow() {
        if (!failures.empty()) [[unlikely]] {
            std::rethrow_exception(take_failure());
        }
    }

    // Tasks
    void add_task(detail::TaskNode& task) noexcept;
    void remove_task(detail::TaskNode& task) noexcept;
    void destroy_tasks(detail::TaskNode*& list) noexcept;
    void destroy_parked_tasks() noexcept;

    // Cancelling
    Cancellation cancel(Record& record) noexcept;
    Cancellation recall(Record& record) noexcept;
    bool leave_own_list(Record& record) noexcept;
    void finish_own(Record& record, int error) noexcept;
    std::size_t cancel_all() noexcept;
    std::size_t cancel_on(queue::DescriptorReference& file) noexcept;
    [[nodiscard]] std::size_t cancel_counted(Record& record) noexcept;

    // Ending
    Left run_down(std::optional<Clock::time_point> deadline);
    void abandon();
    [[nodiscard]] bool any_borrowed() noexcept;

    Options options;
    queue::RecordPool pool; // before the engine: the memory in it goes after the context
    queue::Timers timers;
    engine::Engine engine;
    detail::ClosedFiles* closed_files; // counted
    engine::OperationList finished;    // of those that never enter the engine
    engine::OperationList rooms;       // wait for outstanding to fall
    engine::OperationList quarantine_waits;
    queue::Copies copies;
    std::size_t copy_wanted = 0;      // bytes of the copy that was refused last
    Record* first_given_up = nullptr; // to be told
    Record* last_given_up = nullptr;
    std::uint64_t given_up_count = 0; // ever
    detail::TaskNode* tasks = nullptr;
    detail::TaskNode* parked_tasks = nullptr; // these cannot go on: the queue closes

    std::size_t places; // for operations that may be started: of Options::limit
    engine::Counter started;
    // Of those, what their users have been told: each is in one.
    engine::Counter completed;
    engine::Counter cancelled;
    engine::Counter timed_out;
    engine::Counter quarantined;
    engine::Counter waited_for_buffers;
    unsigned delivering = 0;              // callbacks on the stack
    std::chrono::nanoseconds pass_time{}; // engine::monotonic_tick() as the pass began
    std::size_t untold = 0; // delivered in this pass_for_user() of what has no user any more
    bool closing = false;
    std::list<std::exception_ptr> failures; // of tasks and callbacks, for run() to raise

    std::optional<File> opening_file; // none: what opens files has it in the place of one
    std::optional<File> timer_file;   // a timerfd, when an event loop has to be woken
    Record* timer_watch = nullptr;
    Clock::time_point timer_set{};

    const std::uint64_t generation = fork_generation::enter(); // of the process whose queue it is
    queue::Visitors visitors;
    queue::EndedPoolWaits ended_pool_waits{visitors, engine};
    queue::Owner owner;
    std::atomic<bool> stopped{false};
    std::atomic<bool> any_posts{false};
    std::mutex posts_mutex;   // of what follows
    bool drops_posts = false; // the destructor has come to them
    std::vector<std::unique_ptr<detail::Handler>> posts;
    queue::CancelRequests cancel_requests;

    // Of the queue's thread.
    std::vector<std::unique_ptr<detail::Handler>> taken_posts;
    std::size_t posts_called = 0; // of those: they are first
};

AIOXX_NAMESPACE_END
