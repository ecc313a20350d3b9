// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

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
        void unhandled_exception() noexcept {
            if (!gathering->failure) {
                gathering->failure = std::current_exception();
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
using Kept = std::conditional_t<std::is_void_v<T>, std::tuple<>, T>;

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

} // namespace detail

/// Runs tasks side by side and ends when all have, also when some fail: the first exception is
/// thrown then, and the others are dropped. Gives the results in the order of the arguments; a
/// Task<void> gives an empty std::tuple.
template <typename... T>
Task<std::tuple<detail::Kept<T>...>> when_all(Task<T>... tasks) {
    std::tuple<std::optional<detail::Kept<T>>...> results;
    {
        std::vector<detail::Part> parts;
        parts.reserve(sizeof...(T));
        std::apply(
            [&](auto&... result) {
                (parts.push_back(detail::part_of(std::move(tasks), result)), ...);
            },
            results);
        co_await detail::AllOf{parts};
    }
    co_return std::apply(
        [](auto&... result) { return std::tuple<detail::Kept<T>...>(std::move(*result)...); },
        results);
}

/// The same for any number of tasks that give nothing.
inline Task<void> when_all(std::vector<Task<void>> tasks) {
    std::vector<std::optional<std::tuple<>>> results(tasks.size());
    std::vector<detail::Part> parts;
    parts.reserve(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        parts.push_back(detail::part_of(std::move(tasks[i]), results[i]));
    }
    co_await detail::AllOf{parts};
}

/// And for any number that give a T.
template <typename T>
requires(!std::is_void_v<T>) Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
    std::vector<std::optional<T>> results(tasks.size());
    {
        std::vector<detail::Part> parts;
        parts.reserve(tasks.size());
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            parts.push_back(detail::part_of(std::move(tasks[i]), results[i]));
        }
        co_await detail::AllOf{parts};
    }
    std::vector<T> values;
    values.reserve(results.size());
    for (std::optional<T>& result : results) {
        values.push_back(std::move(*result));
    }
    co_return values;
}

AIOXX_NAMESPACE_END
