// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>
#include <aioxx/queue/queue.hpp>

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
    bool await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        Queue& queue = *operation_.queue_;
        const std::stop_token token = std::move(operation_.token_);
        std::error_code error = no_error();
        const OperationId id =
            std::move(operation_)
                .start([this](Completion& completion) { resume(completion); }, error);
        if (error) {
            completion_ = Completion{-error.value(), 0, 0, false, AlignedBuffer{}};
            return false;
        }
        if (token.stop_possible()) {
            stop_.emplace(token, Cancel{&queue, id});
        }
        return true;
    }

    Result await_resume() { return detail::result_of<Result>(completion_); }

private:
    struct Cancel {
        Queue* queue;
        OperationId id;
        void operator()() const { queue->request_cancel(id); }
    };

    void resume(Completion& completion) {
        stop_.reset(); // waits for a callback that runs on another thread
        completion_ = std::move(completion);
        waiter_.resume();
    }

    Operation<Result> operation_;
    Completion completion_;
    std::coroutine_handle<> waiter_;
    std::optional<std::stop_callback<Cancel>> stop_;
};

template <typename Result>
OperationAwaiter<Result> Operation<Result>::operator co_await() && noexcept {
    return OperationAwaiter<Result>{std::move(*this)};
}

AIOXX_NAMESPACE_END
