// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/task/awaiter.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN

template <typename T = void>
class Task;

namespace detail {

/// What every Task's promise has: who waits for it, and how it ended.
class TaskPromiseBase {
public:
    std::suspend_always initial_suspend() noexcept { return {}; }

    /// Resumes the waiter when there is one; not when it is just beginning this task, and looks
    /// for itself whether that has ended.
    auto final_suspend() noexcept {
        struct Awaiter {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
                return waiter;
            }
            void await_resume() noexcept {}
            std::coroutine_handle<> waiter;
        };
        return Awaiter{waiter_ ? waiter_ : std::noop_coroutine()};
    }

    void unhandled_exception() noexcept { failure_ = std::current_exception(); }
    void set_waiter(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
    void set_task_node(TaskNode* node) noexcept { node_ = node; }
    [[nodiscard]] TaskNode* task_node() const noexcept { return node_; }

protected:
    void rethrow() {
        if (failure_) {
            std::rethrow_exception(std::exchange(failure_, nullptr));
        }
    }

private:
    std::coroutine_handle<> waiter_;
    TaskNode* node_ = nullptr; // of the started task that this one is part of
    std::exception_ptr failure_;
};

template <typename T>
class TaskPromise : public TaskPromiseBase {
public:
    Task<T> get_return_object() noexcept;
    template <typename Value>
    void return_value(Value&& value) {
        value_.emplace(std::forward<Value>(value));
    }
    T take() {
        rethrow();
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
public:
    Task<void> get_return_object() noexcept;
    void return_void() noexcept {}
    void take() { rethrow(); }
};

[[noreturn]] inline void throw_consumed_task() {
    throw std::logic_error{"aioxx::Task: it has been moved from, or has run already"};
}

/// A coroutine's wait for another, whose frame it owns.
///
/// The other is resumed from in here, and not handed over to: where it ends at once the waiter just
/// goes on, so that a loop takes no stack, also where the compiler makes no jump of a tail call.
template <typename T>
class TaskAwaiter {
public:
    explicit TaskAwaiter(std::coroutine_handle<TaskPromise<T>> frame) noexcept : frame_(frame) {}
    TaskAwaiter(const TaskAwaiter&) = delete;
    TaskAwaiter& operator=(const TaskAwaiter&) = delete;
    ~TaskAwaiter() {
        if (frame_) {
            frame_.destroy();
        }
    }

    [[nodiscard]] bool await_ready() const {
        if (!frame_) [[unlikely]] {
            throw_consumed_task();
        }
        return false;
    }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        frame_.promise().set_task_node(task_of(waiter));
        frame_.resume();
        if (frame_.done()) {
            return false;
        }
        frame_.promise().set_waiter(waiter);
        return true;
    }
    T await_resume() { return frame_.promise().take(); }

private:
    std::coroutine_handle<TaskPromise<T>> frame_;
};

} // namespace detail

/// A coroutine that works with a Queue: lazy, move-only, and consumed by what runs it.
///
/// It begins when it is awaited by another, or given to run() or spawn(). From then on the queue
/// owns its frame, and everything in it, until it has ended: no buffer in it can go while the
/// kernel writes there. One that is never begun is destroyed with its Task. Using one that has been
/// moved from, awaited or given away throws std::logic_error where it would run.
///
/// Once its queue closes, a task that awaits another operation is not resumed again: it ends there,
/// by the destruction of its frame (Queue::close).
///
/// It awaits operations of its own queue, or of one that is destroyed earlier, on the same thread;
/// and whatever else it awaits resumes it on that thread too: by Queue::post, for example.
///
/// Coroutines take parameters into their frame as declared: a reference has to outlive the task.
/// Tasks that await tasks take stack while they begin, as calls of functions do; loops take none.
template <typename T>
class [[nodiscard]] Task {
public:
    using promise_type = detail::TaskPromise<T>;

    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~Task() {
        if (frame_) {
            frame_.destroy();
        }
    }

    detail::TaskAwaiter<T> operator co_await() && noexcept {
        return detail::TaskAwaiter<T>{std::exchange(frame_, nullptr)};
    }

private:
    friend promise_type;
    friend class TaskAccess;

    explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

template <typename T>
Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
    return Task<T>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
}

inline Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
    return Task<void>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
}

AIOXX_NAMESPACE_END
