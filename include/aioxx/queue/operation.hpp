// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/request.hpp>

#include <chrono>
#include <coroutine>
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

namespace detail {

/// A point in time as far away as `span` asks for, and as the clock can say.
inline std::chrono::steady_clock::time_point from_now(std::chrono::nanoseconds span) noexcept {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point now = Clock::now(); // never before the clock's zero
    return span < Clock::time_point::max() - now ? now + span : Clock::time_point::max();
}

} // namespace detail

template <typename Result>
class OperationAwaiter;
template <typename Result>
class StoppableOperation;

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
    /// A `span` below zero has passed; one that reaches beyond the clock's end never does.
    Operation&& within(std::chrono::nanoseconds span) && noexcept {
        return std::move(*this).until(detail::from_now(span));
    }

    /// Begins it; `callback(Completion&)` is called by the queue's thread, from run() and its
    /// sisters and never from in here. It holds up to 48 bytes. An exception that leaves it comes
    /// out of run().
    ///
    /// Where it is refused, nothing has begun and the callback is never called: EAGAIN when the
    /// queue is full (Queue::Options::limit), ECANCELED when it has been closed, EBADF when the
    /// File is not open. A descriptor that is open and no good for the operation fails by its
    /// completion. Throws std::bad_alloc when the queue grows and cannot.
    template <typename Callback>
    OperationId start(Callback&& callback, std::error_code& error) &&;
    template <typename Callback>
    OperationId start(Callback&& callback) &&;

    /// Cancels it when `token` is asked to stop, from whichever thread. For co_await; with a
    /// callback keep the OperationId, and have a std::stop_callback call Queue::request_cancel.
    [[nodiscard]] StoppableOperation<Result> stopped_by(std::stop_token token) && noexcept {
        return {std::move(*this), std::move(token)};
    }
    /// Defined in <aioxx/task/awaiter.hpp>.
    OperationAwaiter<Result> operator co_await() && noexcept;
    /// The same with the outcome as data.
    [[nodiscard]] Operation<Completion> completion() && noexcept {
        return {*queue_, std::move(request_)};
    }

private:
    template <typename>
    friend class OperationAwaiter;

    Queue* queue_;
    detail::Request request_;
};

template <typename Result>
class StoppableAwaiter;

/// An operation that a stop token cancels: it can be awaited, and nothing else. What the operation
/// is to be (a deadline, flags) is said before Operation::stopped_by.
template <typename Result>
class [[nodiscard]] StoppableOperation {
public:
    StoppableOperation(Operation<Result>&& operation, std::stop_token token) noexcept
        : operation_(std::move(operation)), token_(std::move(token)) {}

    /// Defined in <aioxx/task/awaiter.hpp>.
    StoppableAwaiter<Result> operator co_await() && noexcept;
    /// The same with the outcome as data.
    [[nodiscard]] StoppableOperation<Completion> completion() && noexcept {
        return {std::move(operation_).completion(), std::move(token_)};
    }

private:
    Operation<Result> operation_;
    std::stop_token token_;
};

AIOXX_NAMESPACE_END
