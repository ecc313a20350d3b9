// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>
#include <aioxx/queue/queue.hpp>

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <system_error>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN

namespace detail {

/// What `co_await` makes of a Completion.
template <typename Result>
Result result_of(Completion& completion) {
    if constexpr (std::is_same_v<Result, Completion>) {
        return std::move(completion);
    } else {
        if (const std::error_code error = completion.error()) {
            throw_error(error, "co_await");
        }
        if constexpr (std::is_same_v<Result, Transfer>) {
            return {completion.bytes(), completion.end_of_file(), completion.take_buffer()};
        } else if constexpr (std::is_same_v<Result, std::size_t>) {
            return completion.bytes();
        } else if constexpr (!std::is_void_v<Result>) {
            return static_cast<Result>(completion.result());
        }
    }
}

/// The started task that a coroutine is part of; null for a coroutine that is none of ours.
template <typename Promise>
TaskNode* task_of(std::coroutine_handle<Promise> coroutine) noexcept {
    if constexpr (requires { coroutine.promise().task_node(); }) {
        return coroutine.promise().task_node();
    } else {
        return nullptr;
    }
}

} // namespace detail

/// A coroutine's wait for one operation. Lives in the coroutine's frame, which the queue keeps.
template <typename Result>
class OperationAwaiter {
public:
    explicit OperationAwaiter(Operation<Result>&& operation) noexcept
        : operation_(std::move(operation)) {}
    OperationAwaiter(const OperationAwaiter&) = delete;
    OperationAwaiter& operator=(const OperationAwaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    /// False, and no suspension, when the operation cannot begin.
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        std::error_code error = no_error();
        begin(waiter, error);
        return !error || stays_refused(error, detail::task_of(waiter));
    }

    Result await_resume() { return detail::result_of<Result>(completion_); }

protected:
    [[nodiscard]] Queue& queue() const noexcept { return *operation_.queue_; }

    OperationId begin(std::coroutine_handle<> waiter, std::error_code& error) {
        waiter_ = waiter;
        return std::move(operation_)
            .start(
                [this](Completion& completion) {
                    completion_ = std::move(completion);
                    waiter_.resume();
                },
                error);
    }

    /// Where nothing has begun: whether the waiter stays suspended. A task whose queue has been
    /// closed does, and goes with the queue: if it were told, it could ask again for ever.
    bool stays_refused(std::error_code error, detail::TaskNode* task) noexcept {
        if (error.value() == ECANCELED && task != nullptr && task->queue == &queue()) {
            queue().park_task(*task);
            return true;
        }
        completion_ = Completion{-error.value(), 0, 0, false, AlignedBuffer{}};
        return false;
    }

private:
    Operation<Result> operation_;
    Completion completion_;
    std::coroutine_handle<> waiter_;
};

/// The same, listening to a stop token meanwhile.
template <typename Result>
class StoppableAwaiter : private OperationAwaiter<Result> {
    using Base = OperationAwaiter<Result>;

public:
    StoppableAwaiter(Operation<Result>&& operation, std::stop_token token) noexcept
        : Base(std::move(operation)), token_(std::move(token)) {}

    using Base::await_ready;

    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        std::error_code error = no_error();
        const OperationId id = Base::begin(waiter, error);
        if (error) {
            return Base::stays_refused(error, detail::task_of(waiter));
        }
        if (token_.stop_possible()) {
            stop_.emplace(std::move(token_), Cancel{&Base::queue(), id});
        }
        return true;
    }

    Result await_resume() {
        stop_.reset(); // waits for a callback that runs on another thread
        return Base::await_resume();
    }

private:
    struct Cancel {
        Queue* queue;
        OperationId id;
        void operator()() const { queue->request_cancel(id); }
    };

    std::stop_token token_;
    std::optional<std::stop_callback<Cancel>> stop_;
};

template <typename Result>
OperationAwaiter<Result> Operation<Result>::operator co_await() && noexcept {
    return OperationAwaiter<Result>{std::move(*this)};
}

template <typename Result>
StoppableAwaiter<Result> StoppableOperation<Result>::operator co_await() && noexcept {
    return StoppableAwaiter<Result>{std::move(operation_), std::move(token_)};
}

AIOXX_NAMESPACE_END
