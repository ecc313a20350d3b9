// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/caught_exception.hpp>
#include <aioxx/task/task.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// Counts down to the waiter. One more than there are parts, so that none resumes it while the
/// others are still being begun.
struct Gathering {
    std::size_t left;
    std::coroutine_handle<> waiter;
    std::exception_ptr failure;

    [[nodiscard]] std::coroutine_handle<> one_less() noexcept {
        return --left == 0 ? waiter : std::noop_coroutine();
    }
};

/// One of several tasks that run side by side.
struct Part {
    struct promise_type {
        Gathering* gathering = nullptr;
        TaskNode* node = nullptr;

        [[nodiscard]] TaskNode* task_node() const noexcept { return node; }
        Part get_return_object() noexcept {
            return Part{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept {
            struct Awaiter {
                bool await_ready() noexcept { return false; }
                std::coroutine_handle<>
                await_suspend(std::coroutine_handle<promise_type> self) noexcept {
                    return self.promise().gathering->one_less();
                }
                void await_resume() noexcept {}
            };
            return Awaiter{};
        }
        void return_void() noexcept {}
        void unhandled_exception() {
            std::exception_ptr caught = caught_exception();
            if (!gathering->failure) {
                gathering->failure = std::move(caught);
            }
        }
    };

    explicit Part(std::coroutine_handle<promise_type> handle) noexcept : frame(handle) {}
    Part(Part&& other) noexcept : frame(std::exchange(other.frame, nullptr)) {}
    Part& operator=(Part&&) = delete;
    ~Part() {
        if (frame) {
            frame.destroy();
        }
    }

    std::coroutine_handle<promise_type> frame;
};

template <typename T>
Part part_of(Task<T> task, std::optional<Kept<T>>& result) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        result.emplace();
    } else {
        result.emplace(co_await std::move(task));
    }
}

/// Begins all parts, and resumes when the last has ended.
struct AllOf {
    std::vector<Part>& parts;
    Gathering gathering{};

    bool await_ready() noexcept { return parts.empty(); }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        gathering.left = parts.size() + 1;
        gathering.waiter = waiter;
        for (Part& part : parts) {
            part.frame.promise().gathering = &gathering;
            part.frame.promise().node = task_of(waiter);
        }
        for (Part& part : parts) {
            part.frame.resume();
        }
        return --gathering.left != 0;
    }
    void await_resume() {
        if (gathering.failure) {
            std::rethrow_exception(gathering.failure);
        }
    }
};

template <>
inline constexpr bool is_known_awaitable<AllOf> = true;

template <typename... T>
Task<std::tuple<Kept<T>...>> all_of(Task<T>... tasks) {
    std::tuple<std::optional<Kept<T>>...> results;
    {
        std::vector<Part> parts;
        parts.reserve(sizeof...(T));
        std::apply(
            [&](auto&... result) { (parts.push_back(part_of(std::move(tasks), result)), ...); },
            results);
        co_await AllOf{parts};
    }
    co_return std::apply(
        [](auto&... result) { return std::tuple<Kept<T>...>(std::move(*result)...); }, results);
}

template <typename T>
using AllOfMany = std::conditional_t<std::is_void_v<T>, void, std::vector<Kept<T>>>;

template <typename T>
Task<AllOfMany<T>> all_of_many(std::vector<Task<T>> tasks) {
    std::vector<std::optional<Kept<T>>> results(tasks.size());
    {
        std::vector<Part> parts;
        parts.reserve(tasks.size());
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            parts.push_back(part_of(std::move(tasks[i]), results[i]));
        }
        co_await AllOf{parts};
    }
    if constexpr (!std::is_void_v<T>) {
        std::vector<Kept<T>> values;
        values.reserve(results.size());
        for (std::optional<Kept<T>>& result : results) {
            values.push_back(std::move(*result));
        }
        co_return values;
    }
}

} // namespace detail

/// Runs tasks side by side and ends when all have, also when some fail: the first exception is
/// thrown then, and the others are dropped. Gives the results in the order of the arguments; a
/// Task<void> gives an empty std::tuple, a Task<T&> a std::reference_wrapper.
template <typename... T>
Task<std::tuple<detail::Kept<T>...>> when_all(Task<T>&&... tasks) {
    return detail::all_of(std::move(tasks)...);
}

/// The same for any number of tasks of one kind: gives a std::vector, or nothing for Task<void>.
template <typename T>
Task<detail::AllOfMany<T>> when_all(std::vector<Task<T>>&& tasks) {
    return detail::all_of_many(std::move(tasks));
}

template <typename First, typename... T>
Task<std::tuple<detail::Kept<First>, detail::Kept<T>...>> when_all(const Task<First>& task,
                                                                   const Task<T>&... tasks) {
    detail::asks_for_move<First>();
    return detail::all_of(std::move(const_cast<Task<First>&>(task)),
                          std::move(const_cast<Task<T>&>(tasks))...);
}
template <typename T>
Task<detail::AllOfMany<T>> when_all(const std::vector<Task<T>>& tasks) {
    detail::asks_for_move<T>();
    return detail::all_of_many(std::move(const_cast<std::vector<Task<T>>&>(tasks)));
}

AIOXX_NAMESPACE_END
