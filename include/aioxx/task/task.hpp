// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/task/awaiter.hpp>

#include <coroutine>
#include <exception>
#include <optional>
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

protected:
    void rethrow() {
        if (failure_) {
            std::rethrow_exception(std::exchange(failure_, nullptr));
        }
    }

private:
    std::coroutine_handle<> waiter_;
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

} // namespace detail

/// A coroutine that works with a Queue: lazy, move-only, and consumed by what runs it.
///
/// It begins when it is awaited by another, or given to run() or spawn(). From then on the queue
/// owns its frame, and everything in it, until it has ended: no buffer in it can go while the
/// kernel writes there. One that is never begun is destroyed with its Task.
///
/// Coroutines take parameters into their frame as declared: a reference has to outlive the task.
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

    auto operator co_await() && noexcept {
        struct Awaiter {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
                frame.promise().set_waiter(waiter);
                return frame;
            }
            T await_resume() { return frame.promise().take(); }
            std::coroutine_handle<promise_type> frame;
        };
        return Awaiter{frame_};
    }

private:
    friend promise_type;

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
