// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/queue.hpp>

#include <cstddef>

AIOXX_NAMESPACE_BEGIN

/// Where tasks and callbacks of one queue wait until another has changed what they look at. With a
/// wait that may be told in vain, and a value that says whether to go on:
///
///     while (durable < mine) {
///         co_await flushed.wait();
///     }
///
/// A wait is an operation like any other: it takes a place of Queue::Options::limit, has deadlines
/// and stop tokens, can be cancelled, and keeps run() running. One that is given up after it was
/// told, by the destruction of its coroutine, passes the word on to the next.
///
/// Ownership: none of what waits. The destructor ends each wait with operation_canceled. The queue
/// has to be there for each call but the destructor.
///
/// Threads: the queue's. Another thread posts a call (Queue::post) that notifies.
class AIOXX_API Condition {
public:
    /// Throws std::bad_alloc.
    explicit Condition(Queue& queue);
    /// Ends each wait with operation_canceled.
    ~Condition();
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    /// Completes after notify_one() or notify_all(), not before the next delivery by the queue.
    Operation<void, OperationKind::condition> wait() & { return {*queue_, detail::wait_in(list_)}; }
    Operation<void, OperationKind::condition> wait() && = delete;

    /// Tells the one that has waited longest; none where none waits. Nothing runs in here.
    void notify_one() noexcept;
    /// Tells all that wait now.
    void notify_all() noexcept;
    /// How many wait, and have not been told.
    [[nodiscard]] std::size_t waiting() const noexcept;

private:
    Queue* queue_;
    detail::WaitList* list_;
};

AIOXX_NAMESPACE_END
