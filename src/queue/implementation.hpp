// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/queue.hpp>
#include <aioxx/queue/task_node.hpp>

#include "engine/engine.hpp"
#include "queue/record.hpp"
#include "queue/timers.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

AIOXX_NAMESPACE_BEGIN

/// The queue itself. Outlives the Queue when the kernel still holds memory that it owns.
struct Queue::Implementation {
    using Clock = std::chrono::steady_clock;
    using Record = queue::Record;

    explicit Implementation(const Options& chosen, std::error_code& error);
    ~Implementation();
    Implementation(const Implementation&) = delete;
    Implementation& operator=(const Implementation&) = delete;

    // Starting
    detail::Handler* prepare(detail::Request& request, int& error);
    OperationId launch(Record& record) noexcept;
    void begin(Record& record) noexcept;
    /// Those that wait for room take none.
    [[nodiscard]] bool is_full() const noexcept {
        return outstanding - rooms.size() >= options.limit;
    }

    // Running
    std::size_t pass();
    std::size_t deliver();
    std::size_t deliver_posts();
    void complete(Record& record);
    void call(detail::Handler& handler, Completion& completion);
    std::size_t expire();
    void expire_own(Record& record) noexcept;
    void admit_waiting_for_room() noexcept;
    std::size_t round();
    void wait(bool heeds_stop = true);
    [[nodiscard]] static std::chrono::nanoseconds time_until(Clock::time_point time) noexcept;
    bool anything_outstanding() noexcept;
    void watch_timers() noexcept;
    void signal_if_ready() noexcept;

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

    // Cancelling
    CancelOutcome cancel(Record& record) noexcept;
    void finish_own(Record& record, int error) noexcept;
    template <typename Predicate>
    std::size_t cancel_if(Predicate&& predicate) noexcept;

    // Ending
    Left run_down(std::optional<Clock::time_point> deadline);
    void abandon();
    [[nodiscard]] std::size_t count_borrowed() noexcept;

    Options options;
    queue::RecordPool pool; // before the engine: the memory in it goes after the context
    queue::Timers timers;
    engine::Engine engine;
    engine::OperationList finished; // of those that never enter the engine
    engine::OperationList rooms;    // wait for outstanding to fall
    detail::TaskNode* tasks = nullptr;
    detail::TaskNode* parked_tasks = nullptr; // these cannot go on: the queue closes

    std::size_t outstanding = 0;
    std::size_t quarantined = 0;
    std::uint64_t timed_out = 0;
    unsigned delivering = 0; // callbacks on the stack
    bool closing = false;
    std::list<std::exception_ptr> failures; // of tasks and callbacks, for run() to raise

    std::optional<File> timer_file; // a timerfd, when an event loop has to be woken
    Record* timer_watch = nullptr;
    Clock::time_point timer_set{};

    std::atomic<bool> stopped{false};
    std::atomic<bool> any_posts{false};
    std::mutex posts_mutex; // the two below
    std::vector<std::unique_ptr<detail::Handler>> posts;
    std::vector<OperationId> cancel_requests;
};

AIOXX_NAMESPACE_END
