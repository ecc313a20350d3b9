// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/description.hpp>

#include <cstddef>
#include <stop_token>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN

class Batch;
template <typename Result>
class OperationAwaiter;
template <typename Result>
class StoppableAwaiter;
template <typename Result, OperationKind kind = OperationKind::transfer>
class StoppableOperation;
template <typename Result, OperationKind kind = OperationKind::transfer>
class Operation;

/// An operation that has been described and not begun: what Queue::read and its sisters return.
///
/// It is begun once, by start() or by co_await. From then on the queue owns everything that the
/// kernel needs but borrowed memory, which has to stay until the completion. Beginning it again, or
/// one that has been moved from, is std::logic_error, and EINVAL where errors are data. One that
/// was refused is as it was before, its buffer included, and can be begun again. Dropping one that
/// was not begun does nothing.
///
/// `Result` is what `co_await` gives; a failure is thrown there as std::system_error. Awaiting
/// `completion()` instead gives the Completion.
///
///     const auto bytes = co_await queue.read(file, block, 0).within(100ms);
///     queue.fsync(file).after_writes().start(
///         [](const aioxx::Completion& done) { ... });
///
/// Ownership: of the buffer that was moved in. Threads: the queue's. Blocking: none.
///
/// Errors: a refusal is thrown, or set where start() takes a std::error_code; how an operation
/// ended is in its Completion, or thrown where it is awaited, as std::system_error that says which
/// it was.
template <typename Result, OperationKind kind>
class [[nodiscard]] Operation : public detail::Description<Operation<Result, kind>, kind> {
    using Base = detail::Description<Operation, kind>;
    friend class Batch;

public:
    using Base::Base;

    /// Begins it: outside of callbacks it is with the kernel, or with a worker, when this returns,
    /// and inside of one when that returns, or with Queue::flush(). `callback(Completion&)` is
    /// called by the queue's thread, from run() and its sisters and never from in here. It holds up
    /// to 48 bytes. An exception that leaves it comes out of run().
    ///
    /// Where it is refused, nothing has begun and the callback is never called: EAGAIN when the
    /// queue is full (Queue::Options::limit), ECANCELED when it has been closed, EBADF when the
    /// File is not open. A descriptor that is open and no good for the operation fails by its
    /// completion. Throws std::bad_alloc when the queue grows and cannot.
    template <typename Callback>
    OperationId start(Callback&& callback, std::error_code& error);
    template <typename Callback>
    OperationId start(Callback&& callback);

    /// Ends the wait with operation_canceled when `token` is asked to stop, from whichever thread.
    /// The rest is as with until(). For co_await; with a callback keep the OperationId, and have a
    /// std::stop_callback call Queue::request_cancel.
    [[nodiscard]] StoppableOperation<Result, kind> stopped_by(std::stop_token token) && noexcept {
        this->request().can_be_given_up |= token.stop_possible();
        return {this->queue(), std::move(this->request()), std::move(token)};
    }
    /// To be awaited for its Completion: a failure is data then, a refusal included, and that gives
    /// the buffer back. One that had a buffer, or a path, cannot be begun again then.
    [[nodiscard]] Operation<Completion, kind> completion() && noexcept {
        return {this->queue(), std::move(this->request())};
    }
    /// Begins it, and waits in a coroutine until it has ended; gives `Result`, or throws
    /// std::system_error, whose text says what was asked for, where, and why it failed. A refusal
    /// is thrown as well. Defined in <aioxx/task/awaiter.hpp>. Keeps a reference: the Operation
    /// lives until the awaiter has gone, as it does in `co_await`.
    OperationAwaiter<Result> operator co_await() && noexcept;

    template <typename Token = std::stop_token>
    void stopped_by(Token&& /*token*/) & {
        detail::asks_for_move<Token>();
    }
    template <typename Self = Operation>
    Operation<Completion, kind> completion() & {
        detail::asks_for_move<Self>();
        return std::move(*this).completion();
    }
    template <typename Self = Operation>
    OperationAwaiter<Result> operator co_await() & {
        detail::asks_for_move<Self>();
        return std::move(*this).operator co_await();
    }
};

/// An operation that a stop token cancels: it can be awaited, and nothing else. The rest is as with
/// Operation.
///
///     co_await queue.read(file, block, 0).stopped_by(stop);
template <typename Result, OperationKind kind>
class [[nodiscard]] StoppableOperation
    : public detail::Description<StoppableOperation<Result, kind>, kind> {
    using Base = detail::Description<StoppableOperation, kind>;

public:
    /// For Operation::stopped_by.
    StoppableOperation(Queue& queue, detail::Request&& request, std::stop_token token) noexcept
        : Base(queue, std::move(request)), token_(std::move(token)) {}

    /// As Operation::operator co_await. Defined in <aioxx/task/awaiter.hpp>.
    StoppableAwaiter<Result> operator co_await() && noexcept;
    /// The same with the result as data.
    [[nodiscard]] StoppableOperation<Completion, kind> completion() && noexcept {
        return {this->queue(), std::move(this->request()), std::move(token_)};
    }

    template <typename Self = StoppableOperation>
    StoppableOperation<Completion, kind> completion() & {
        detail::asks_for_move<Self>();
        return std::move(*this).completion();
    }
    template <typename Self = StoppableOperation>
    StoppableAwaiter<Result> operator co_await() & {
        detail::asks_for_move<Self>();
        return std::move(*this).operator co_await();
    }

private:
    std::stop_token token_;
};

AIOXX_NAMESPACE_END
