// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/caught_exception.hpp>
#include <aioxx/task/task.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// The functions by which tasks reach their queue.
class TaskAccess {
public:
    static void begin(Queue& queue, TaskNode& task) { queue.begin_task(task); }
    static void end(Queue& queue, TaskNode& task) noexcept { queue.end_task(task); }
    static void fail(Queue& queue, std::exception_ptr failure) noexcept {
        queue.task_failed(std::move(failure));
    }
    static void expect_to_wait(const Queue& queue) { queue.expect_to_wait(); }
    static void step(Queue& queue) { queue.step(); }
    /// Throws std::logic_error for one that has been given away.
    template <typename T>
    static void expect_unused(const Task<T>& task) {
        if (!task.frame_) [[unlikely]] {
            throw_consumed_task();
        }
    }
};

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
        void unhandled_exception() { TaskAccess::fail(*queue, caught_exception()); }
    };
    promise_type* promise;
};

inline Root spawn_root(Task<void> task) {
    co_await std::move(task);
}

/// How a task that run() waits for ended. Shared with the task's frame, because an exception of
/// another task may leave run() before this one has ended.
template <typename T>
struct RunResult {
    std::optional<Kept<T>> value;
    std::exception_ptr failure;
    bool ended = false;
};

template <typename T>
Root run_root(Task<T> task, std::shared_ptr<RunResult<T>> result) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            result->value.emplace();
        } else {
            result->value.emplace(co_await std::move(task));
        }
    } catch (...) {
        result->failure = caught_exception();
    }
    result->ended = true;
}

inline void begin(Queue& queue, Root root) {
    root.promise->queue = &queue;
    TaskAccess::begin(queue, *root.promise);
}

} // namespace detail

/// Begins `task` on `queue` and returns when it waits for something, or has ended. An exception
/// that leaves it comes out of the queue's run(). On a queue that has been closed it is destroyed
/// instead. On the queue's thread.
inline void spawn(Queue& queue, Task<void>&& task) {
    detail::TaskAccess::expect_unused(task);
    detail::begin(queue, detail::spawn_root(std::move(task)));
}

/// spawn() from any thread: the queue's thread begins `task`, as a posted call.
///
/// Ownership: the queue has the task from here on. On a queue that has been closed it does not
/// begin. Its frame, with the parameters in it, is destroyed then: by the thread that closes, runs
/// or destroys the queue, or in here where the destructor has come to the end of what was posted.
/// The Queue is there until this returns, or until the task has begun.
///
/// Errors: std::bad_alloc, and EINVAL as with Queue::post; the task has been destroyed then.
inline void post(Queue& queue, Task<void>&& task) {
    detail::TaskAccess::expect_unused(task);
    queue.post([&queue, handed = std::move(task)]() mutable { spawn(queue, std::move(handed)); });
}

/// Begins `task` and runs the queue, everything else on it included, until it has ended; returns
/// what it returns and throws what it throws. Inside a callback or a task of the queue it throws
/// EDEADLK, and the task does not begin: co_await there.
///
/// Throws the exceptions of other tasks and callbacks as Queue::run() does, and std::system_error
/// with operation_canceled when the queue closes and the task therefore has no end, or with EINVAL
/// in a forked child; the queue has the task then.
template <typename T>
T run(Queue& queue, Task<T>&& task) {
    detail::TaskAccess::expect_unused(task);
    detail::TaskAccess::expect_to_wait(queue);
    const auto result = std::make_shared<detail::RunResult<T>>();
    const detail::Root root = detail::run_root(std::move(task), result);
    detail::begin(queue, root);
    while (!result->ended) {
        const bool has_frame = result.use_count() > 1; // which holds the other one
        if (!has_frame || root.promise->parked) {
            detail::throw_error(std::make_error_code(std::errc::operation_canceled), "run");
        }
        detail::TaskAccess::step(queue);
    }
    if (result->failure) {
        std::rethrow_exception(result->failure);
    }
    if constexpr (!std::is_void_v<T>) {
        return static_cast<T>(std::move(*result->value));
    }
}

template <typename T>
void spawn(Queue& /*queue*/, Task<T>&& /*task*/) {
    static_assert(std::is_void_v<T>,
                  "spawn() takes a Task<void>: what another gives would be lost");
}
template <typename T>
void spawn(Queue& /*queue*/, const Task<T>& /*task*/) {
    detail::asks_for_move<T>();
}
template <typename T>
void post(Queue& /*queue*/, Task<T>&& /*task*/) {
    static_assert(std::is_void_v<T>, "post() takes a Task<void>: what another gives would be lost");
}
template <typename T>
void post(Queue& /*queue*/, const Task<T>& /*task*/) {
    detail::asks_for_move<T>();
}
template <typename T>
T run(Queue& queue, const Task<T>& task) {
    detail::asks_for_move<T>();
    return run(queue, std::move(const_cast<Task<T>&>(task)));
}

AIOXX_NAMESPACE_END
