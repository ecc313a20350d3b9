// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/queue.hpp>

#include <cstddef>

AIOXX_NAMESPACE_BEGIN

/// A number of permits for tasks and callbacks of one queue: so many may do at a time what takes
/// one. Those that wait get them in their order.
///
///     co_await permits.acquire();
///     ...
///     permits.release();
///
/// What waits is an operation, as with a Condition. One that is given up after it was given a
/// permit, by the destruction of its coroutine, gives it back.
/// A part of a when_all() or a Batch has ended when it has its permit: it does not give it back
/// where the whole fails or is destroyed later.
///
/// Ownership and threads: as with a Condition.
class AIOXX_API Semaphore {
public:
    /// With so many permits at first. Throws std::bad_alloc.
    Semaphore(Queue& queue, std::size_t permits);
    /// Ends each wait with operation_canceled.
    ~Semaphore();
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    /// Completes when there is a permit, which is the caller's then.
    Operation<void, OperationKind::condition> acquire() & {
        return {*queue_, detail::wait_in(list_)};
    }
    Operation<void, OperationKind::condition> acquire() && = delete;
    /// Takes one if there is one.
    [[nodiscard]] bool try_acquire() noexcept;
    /// Gives so many back, or new ones. Nothing runs in here.
    void release(std::size_t permits = 1) noexcept;
    /// Permits that are free: 0 while anything waits.
    [[nodiscard]] std::size_t available() const noexcept;

private:
    Queue* queue_;
    detail::WaitList* list_;
};

AIOXX_NAMESPACE_END
