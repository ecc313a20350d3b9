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
#include <utility>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// What the parts of one when_all() have in common. It counts down to the waiter.
struct Gathering {
    std::coroutine_handle<> waiter;
    TaskNode* task = nullptr; // that the waiter is part of
    // Those that have begun and not ended. One more while they are begun, so that none resumes the
    // waiter meanwhile.
    std::size_t left = 1;
    std::exception_ptr failure; // the first

    void fail(std::exception_ptr caught) noexcept {
        if (!failure) {
            failure = std::move(caught);
        }
    }
    /// A part has ended. Gives what is to be resumed.
    [[nodiscard]] std::coroutine_handle<> ended() noexcept {
        return --left == 0 ? waiter : std::noop_coroutine();
    }
};

/// The coroutine in which a task is awaited as a part.
struct TaskFrame {
    struct promise_type {
        Gathering* gathering = nullptr;

        [[nodiscard]] TaskNode* task_node() const noexcept { return gathering->task; }
        TaskFrame get_return_object() noexcept {
            return TaskFrame{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept {
            struct Awaiter {
                bool await_ready() noexcept { return false; }
                std::coroutine_handle<>
                await_suspend(std::coroutine_handle<promise_type> self) noexcept {
                    return self.promise().gathering->ended();
                }
                void await_resume() noexcept {}
            };
            return Awaiter{};
        }
        void return_void() noexcept {}
        void unhandled_exception() { gathering->fail(caught_exception()); }
    };

    TaskFrame() noexcept = default;
    explicit TaskFrame(std::coroutine_handle<promise_type> handle) noexcept : frame(handle) {}
    TaskFrame(TaskFrame&& other) noexcept : frame(std::exchange(other.frame, nullptr)) {}
    TaskFrame& operator=(TaskFrame&& other) noexcept {
        std::swap(frame, other.frame);
        return *this;
    }
    ~TaskFrame() {
        if (frame) {
            frame.destroy();
        }
    }

    std::coroutine_handle<promise_type> frame;
};

template <typename T>
TaskFrame await_part(Task<T> task, std::optional<Kept<T>>& result) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        result.emplace();
    } else {
        result.emplace(co_await std::move(task));
    }
}

/// A task, awaited beside others.
template <typename T>
class TaskPart {
public:
    using Value = Kept<T>;

    explicit TaskPart(Task<T>& task) noexcept : task_(&task) {}
    TaskPart(const TaskPart&) = delete;
    TaskPart& operator=(const TaskPart&) = delete;

    void begin(Gathering& gathering) {
        try {
            frame_ = await_part(std::move(*task_), value_);
        } catch (...) { // no memory
            gathering.fail(caught_exception());
            --gathering.left;
            return;
        }
        frame_.frame.promise().gathering = &gathering;
        frame_.frame.resume();
    }
    /// Once, of one that has ended well.
    Value take() { return std::move(*value_); }

private:
    Task<T>* task_;
    std::optional<Value> value_;
    TaskFrame frame_; // gone first
};

/// An operation, awaited beside others. It has no frame: the waiter's is its place, and where that
/// is destroyed it is given up.
template <typename Waited>
class OperationPart {
    using Awaiter = decltype(std::declval<Waited>().operator co_await());
    using Result = decltype(std::declval<Awaiter&>().await_resume());

public:
    using Value = Kept<Result>;

    explicit OperationPart(Waited& operation) noexcept
        : awaiter_(std::move(operation).operator co_await()) {}
    OperationPart(const OperationPart&) = delete;
    OperationPart& operator=(const OperationPart&) = delete;

    void begin(Gathering& gathering) {
        try {
            const int error = awaiter_.begin([this, &gathering] { end(gathering).resume(); });
            if (error == 0 || awaiter_.stays_refused(error, gathering.task)) {
                return;
            }
        } catch (...) { // refused
            gathering.fail(caught_exception());
        }
        --gathering.left;
    }
    Value take() {
        if constexpr (std::is_void_v<Result>) {
            return {};
        } else {
            return awaiter_.await_resume();
        }
    }

private:
    std::coroutine_handle<> end(Gathering& gathering) {
        if (awaiter_.has_failed()) {
            try {
                static_cast<void>(awaiter_.await_resume());
            } catch (...) {
                gathering.fail(caught_exception());
            }
        }
        return gathering.ended();
    }

    Awaiter awaiter_;
};

/// As what part something is awaited beside others.
template <typename Waited>
struct PartFor {
    using Type = void; // of nothing that the library knows
};
template <typename T>
struct PartFor<Task<T>> {
    using Type = TaskPart<T>;
};
template <typename Result, OperationKind kind>
struct PartFor<Operation<Result, kind>> {
    using Type = OperationPart<Operation<Result, kind>>;
};
template <typename Result, OperationKind kind>
struct PartFor<StoppableOperation<Result, kind>> {
    using Type = OperationPart<StoppableOperation<Result, kind>>;
};
template <typename Waited>
using PartOf = typename PartFor<Waited>::Type;

template <typename Waited>
concept TaskOrOperation = !std::is_void_v<PartOf<Waited>>;

/// What a part gives: nothing for one that is refused by a sentence.
template <typename Waited>
struct ValueFor {
    using Type = std::tuple<>;
};
template <TaskOrOperation Waited>
struct ValueFor<Waited> {
    using Type = typename PartOf<Waited>::Value;
};
template <typename Waited>
using ValueOf = typename ValueFor<Waited>::Type;

template <typename... Part, typename Function>
void for_each_part(std::tuple<Part...>& parts, Function function) {
    std::apply([&](Part&... part) { (function(part), ...); }, parts);
}
template <typename Part, typename Function>
void for_each_part(std::vector<Part>& parts, Function function) {
    for (Part& part : parts) {
        function(part);
    }
}

} // namespace detail
AIOXX_NAMESPACE_END
