// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/task/task.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN

/// The door through which tasks reach their queue.
class TaskAccess {
public:
    static void begin(Queue& queue, detail::TaskNode& task) { queue.begin_task(task); }
    static void end(Queue& queue, detail::TaskNode& task) noexcept { queue.end_task(task); }
    static void fail(Queue& queue, std::exception_ptr failure) noexcept {
        queue.task_failed(std::move(failure));
    }
    static void step(Queue& queue) { queue.step(); }
    /// Throws std::logic_error for one that has been given away.
    template <typename T>
    static void expect_unused(const Task<T>& task) {
        if (!task.frame_) [[unlikely]] {
            detail::throw_consumed_task();
        }
    }
};

namespace detail {

/// The frame at the bottom of a started task. The queue's: it ends by itself, or with the queue.
struct Root {
    struct promise_type : TaskNode {
        [[nodiscard]] TaskNode* task_node() noexcept { return this; }
        Root get_return_object() noexcept {
            frame = std::coroutine_handle<promise_type>::from_promise(*this);
            return {this};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept {
            TaskAccess::end(*queue, *this); // and the frame is destroyed
            return {};
        }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { TaskAccess::fail(*queue, std::current_exception()); }
    };
    promise_type* promise;
};

inline Root spawn_root(Task<void> task) {
    co_await std::move(task);
}

/// How a task that run() waits for ended. On the stack of run(), and reached through a flag when
/// that has been left by an exception of somebody else.
template <typename T>
struct Outcome {
    using Value = std::conditional_t<std::is_void_v<T>, bool, T>;
    std::optional<Value> value;
    std::exception_ptr failure;
    bool ended = false;
};

template <typename T>
Root run_root(Task<T> task, std::shared_ptr<Outcome<T>> outcome) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            outcome->value.emplace(true);
        } else {
            outcome->value.emplace(co_await std::move(task));
        }
    } catch (...) {
        outcome->failure = std::current_exception();
    }
    outcome->ended = true;
}

inline void begin(Queue& queue, Root root) {
    root.promise->queue = &queue;
    TaskAccess::begin(queue, *root.promise);
}

} // namespace detail

/// Begins `task` on `queue` and lets it go its way. An exception that leaves it comes out of the
/// queue's run(). On a queue that has been closed it is destroyed instead. On the queue's thread.
inline void spawn(Queue& queue, Task<void> task) {
    TaskAccess::expect_unused(task);
    detail::begin(queue, detail::spawn_root(std::move(task)));
}

/// Begins `task` and runs the queue, everything else on it included, until it has ended; returns
/// what it returns and throws what it throws. Not from inside a callback or a task: co_await there.
///
/// Throws the exceptions of others as Queue::run() does, and std::system_error with
/// operation_canceled when the queue closes and the task therefore has no end; the queue has the
/// task then.
template <typename T>
T run(Queue& queue, Task<T> task) {
    TaskAccess::expect_unused(task);
    const auto outcome = std::make_shared<detail::Outcome<T>>();
    const detail::Root root = detail::run_root(std::move(task), outcome);
    detail::begin(queue, root);
    while (!outcome->ended) {
        const bool has_frame = outcome.use_count() > 1; // which holds the other one
        if (!has_frame || root.promise->parked) {
            throw_error(std::make_error_code(std::errc::operation_canceled), "run");
        }
        TaskAccess::step(queue);
    }
    if (outcome->failure) {
        std::rethrow_exception(outcome->failure);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*outcome->value);
    }
}

AIOXX_NAMESPACE_END
