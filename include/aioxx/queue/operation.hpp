// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/request.hpp>

#include <chrono>
#include <concepts>
#include <coroutine>
#include <optional>
#include <stop_token>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN

/// What a transfer with a buffer of its own gives back.
struct Transfer {
    std::size_t bytes = 0;
    bool end_of_file = false;
    AlignedBuffer buffer;
};

template <typename Result>
class OperationAwaiter;

/// An operation that has been described and not begun: what Queue::read and its sisters return.
///
/// It is begun once, by `start(callback)` or by `co_await`; both consume it. The queue then owns
/// everything that the kernel needs but borrowed memory, which has to stay until the completion.
/// Dropping one that was not begun does nothing.
///
/// `Result` is what `co_await` gives; a failure is thrown there as std::system_error. Awaiting
/// `completion()` instead gives the Completion, and throws nothing.
template <typename Result>
class [[nodiscard]] Operation {
public:
    Operation(Queue& queue, detail::Request&& request) noexcept
        : queue_(&queue), request_(std::move(request)) {}

    /// Per-operation flags of a transfer; with `nowait` the EAGAIN is delivered.
    Operation&& with(RwFlags flags) && noexcept {
        request_.flags |= flags;
        return std::move(*this);
    }
    Operation&& with(IoPriority priority) && noexcept {
        request_.priority = priority;
        request_.prioritised = true;
        return std::move(*this);
    }
    /// An fsync or fdatasync that begins when every write started before it on this file, on this
    /// queue, has completed. Their failures are not its own: look at theirs as well.
    Operation&& after_writes() && noexcept {
        request_.after_writes = true;
        return std::move(*this);
    }
    /// Ends the wait at `time` with std::errc::timed_out. What is with the disk by then cannot be
    /// called back: the buffer that the operation owns stays with the queue until the kernel lets
    /// go. Borrowed memory cannot: such an operation, once it is with the disk, ends when the disk
    /// is done, with the result that it had.
    Operation&& until(std::chrono::steady_clock::time_point time) && noexcept {
        request_.deadline = time;
        request_.has_deadline = true;
        return std::move(*this);
    }
    Operation&& within(std::chrono::nanoseconds span) && noexcept {
        return std::move(*this).until(std::chrono::steady_clock::now() + span);
    }

    /// Begins it; `callback(Completion&)` is called by the queue's thread, from run() and its
    /// sisters and never from in here. It holds up to 48 bytes. An exception that leaves it comes
    /// out of run().
    ///
    /// EAGAIN when the queue is full (Queue::Options::limit): nothing has begun then. Throws
    /// std::bad_alloc when the queue grows and cannot.
    template <typename Callback>
    OperationId start(Callback&& callback, std::error_code& error) &&;
    template <typename Callback>
    OperationId start(Callback&& callback) &&;

    /// Cancels it when `token` is asked to stop, from whichever thread; for co_await.
    Operation&& stopped_by(std::stop_token token) && noexcept {
        token_ = std::move(token);
        return std::move(*this);
    }
    /// Defined in <aioxx/task/task.hpp>.
    OperationAwaiter<Result> operator co_await() && noexcept;
    /// The same with the outcome as data.
    [[nodiscard]] Operation<Completion> completion() && noexcept {
        return {*queue_, std::move(request_), std::move(token_)};
    }

    Operation(Queue& queue, detail::Request&& request, std::stop_token token) noexcept
        : queue_(&queue), request_(std::move(request)), token_(std::move(token)) {}

private:
    template <typename>
    friend class OperationAwaiter;

    Queue* queue_;
    detail::Request request_;
    std::stop_token token_; // empty unless asked for: then it holds nothing
};

AIOXX_NAMESPACE_END
