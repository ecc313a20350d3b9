// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/caught_exception.hpp>
#include <aioxx/task/awaiter.hpp>

#include <coroutine>
#include <cstddef>
#include <cstring>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN

template <typename T = void>
class Task;

namespace detail {

template <typename T>
inline constexpr bool is_known_awaitable = false;
template <typename Result, OperationKind kind>
inline constexpr bool is_known_awaitable<Operation<Result, kind>> = true;
template <typename Result, OperationKind kind>
inline constexpr bool is_known_awaitable<StoppableOperation<Result, kind>> = true;
template <>
inline constexpr bool is_known_awaitable<Batch> = true;
template <typename T>
inline constexpr bool is_known_awaitable<Task<T>> = true;

template <typename Awaitable>
decltype(auto) awaiter_of(Awaitable&& awaitable) {
    if constexpr (requires { std::forward<Awaitable>(awaitable).operator co_await(); }) {
        return std::forward<Awaitable>(awaitable).operator co_await();
    } else if constexpr (requires { operator co_await(std::forward<Awaitable>(awaitable)); }) {
        return operator co_await(std::forward<Awaitable>(awaitable));
    } else {
        return static_cast<Awaitable&&>(awaitable);
    }
}

/// A task's wait for what the library does not know, and which may resume it at any time: counted,
/// so that close() lets its frame be.
template <typename Awaitable>
class OtherAwaiter {
    using Awaiter = decltype(awaiter_of(std::declval<Awaitable>()));

public:
    OtherAwaiter(Awaitable&& awaitable, TaskNode* node)
        : awaiter_(awaiter_of(std::forward<Awaitable>(awaitable))), node_(node) {}
    OtherAwaiter(const OtherAwaiter&) = delete;
    OtherAwaiter& operator=(const OtherAwaiter&) = delete;
    ~OtherAwaiter() { resumed(); }

    bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }
    template <typename Promise>
    auto await_suspend(std::coroutine_handle<Promise> waiter) {
        waits_ = node_ != nullptr;
        if (waits_) {
            ++node_->others;
        }
        return awaiter_.await_suspend(waiter); // after which this may be gone
    }
    decltype(auto) await_resume() {
        resumed();
        return awaiter_.await_resume();
    }

private:
    void resumed() noexcept {
        if (std::exchange(waits_, false)) {
            --node_->others;
        }
    }

    Awaiter awaiter_;
    TaskNode* node_; // of the started task; null for one that is part of none
    bool waits_ = false;
};

/// What every Task's promise has: which coroutine waits for it, and how it ended.
class TaskPromiseBase {
public:
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    // A coroutine that g++ 12 drops (see Task) would begin wherever its memory says. Not inline: of
    // a pair that is inlined in part g++ says -Wmismatched-new-delete.
    [[gnu::noinline]] static void* operator new(std::size_t bytes) {
        return std::memset(::operator new(bytes), 0, bytes);
    }
    [[gnu::noinline]] static void operator delete(void* frame) noexcept {
        ::operator delete(frame);
    }
#endif

    std::suspend_always initial_suspend() noexcept {
        return {};
    }

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

    /// Sees each co_await of the coroutine.
    template <typename Awaitable>
    decltype(auto) await_transform(Awaitable&& awaitable) {
        has_begun_ = true;
        if constexpr (is_known_awaitable<std::remove_cvref_t<Awaitable>>) {
            return static_cast<Awaitable&&>(awaitable);
        } else {
            return OtherAwaiter<Awaitable>{std::forward<Awaitable>(awaitable), node_};
        }
    }
    /// Whether it has awaited anything.
    [[nodiscard]] bool has_begun() const noexcept {
        return has_begun_;
    }

    void unhandled_exception() {
        failure_ = caught_exception();
    }
    void set_waiter(std::coroutine_handle<> waiter) noexcept {
        waiter_ = waiter;
    }
    void set_task_node(TaskNode* node) noexcept {
        node_ = node;
    }
    [[nodiscard]] TaskNode* task_node() const noexcept {
        return node_;
    }

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
    bool has_begun_ = false;
};

/// What a task's result is kept as.
template <typename T>
struct KeptAs {
    using Type = T;
};
template <>
struct KeptAs<void> {
    using Type = std::tuple<>;
};
template <typename T>
struct KeptAs<T&> {
    using Type = std::reference_wrapper<T>;
};
template <typename T>
using Kept = typename KeptAs<T>::Type;

template <typename T>
class TaskPromise : public TaskPromiseBase {
    static_assert(!std::is_rvalue_reference_v<T>,
                  "a Task gives a value, a T& or nothing: what a T&& refers to is gone by then");

public:
    Task<T> get_return_object() noexcept;
    template <typename Value = T> // for co_return {}
    void return_value(Value&& value) {
        value_.emplace(std::forward<Value>(value));
    }
    T take() {
        rethrow();
        return static_cast<T>(std::move(*value_));
    }

private:
    std::optional<Kept<T>> value_;
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
/// The other is resumed by a call from in here, and not by symmetric transfer. Where it ends at
/// once the waiter just goes on, so that a loop takes no stack, also where the compiler makes no
/// jump of a tail call.
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
        if (!frame_.promise().has_begun()) [[unlikely]] {
            throw_not_begun(frame_.address());
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
/// It awaits operations of any queue that the same thread runs; whichever of them is destroyed
/// first gives up what it waits for in the other. Whatever else it awaits resumes it on that thread
/// too: by Queue::post, for example.
///
///     aioxx::Task<std::size_t> first_block(aioxx::Queue& queue,
///                                          const aioxx::File& file) {
///         aioxx::AlignedBuffer block{4096, 4096};
///         co_return co_await queue.read(file, block, 0);
///     }
///     const auto bytes = aioxx::run(queue, first_block(queue, file));
///
/// Threads: that of its queue begins it and resumes it; aioxx::post() hands it over to that thread.
///
/// Errors: an exception that leaves it is thrown where it is awaited, by aioxx::run(), or, of one
/// that was spawned, by Queue::run().
///
/// Coroutines take parameters into their frame as declared: a reference has to outlive the task.
/// Tasks that await tasks take stack while they begin, as calls of functions do; loops take none.
///
/// **g++ 12** (Debian 12's) makes of a coroutine that has co_await in the condition of an `if` or a
/// `while`, and no variable at its top level, one that never begins, silently and without this
/// library too: `if (co_await ...)` as its only statement. Give the result a name first. A Task of
/// that kind is std::logic_error where it is begun, with its place in the program.
template <typename T>
class [[nodiscard]] Task {
public:
    /// For the compiler.
    using promise_type = detail::TaskPromise<T>;

    /// Takes the coroutine over; `other` has none then.
    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    /// Takes the coroutine over.
    Task& operator=(Task&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    /// Destroys a coroutine that was never begun.
    ~Task() {
        if (frame_) {
            frame_.destroy();
        }
    }

    /// Begins it, and waits in another coroutine until it has ended; gives what it returns, and
    /// throws what it throws.
    detail::TaskAwaiter<T> operator co_await() && noexcept {
        return detail::TaskAwaiter<T>{std::exchange(frame_, nullptr)};
    }
    template <typename Self = Task>
    detail::TaskAwaiter<T> operator co_await() & {
        detail::asks_for_move<Self>();
        return std::move(*this).operator co_await();
    }

private:
    friend promise_type;
    friend class detail::TaskAccess;

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
