// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "queue/implementation.hpp"

#include <cstddef>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// The operations that wait for a Condition, or for a Semaphore's permits. A record points to it
/// from its beginning until its user has been told.
///
/// Ownership: it goes with the last of those that know of it, its Condition or Semaphore and the
/// records. Threads: the queue's.
class WaitList {
public:
    enum class Of : bool { condition, semaphore };

    /// `permits`: none for a condition.
    WaitList(Of of, std::size_t permits) noexcept : of_(of), permits_(permits) {}
    WaitList(const WaitList&) = delete;
    WaitList& operator=(const WaitList&) = delete;

    /// Its Condition or Semaphore is destroyed: ends what waits.
    void close() noexcept;

    [[nodiscard]] static WaitList& of(const queue::Record& record) noexcept {
        return *static_cast<WaitList*>(record.request.data);
    }
    [[nodiscard]] static bool has(const queue::Record& record) noexcept {
        return record.waits_for_condition() && record.request.data != nullptr;
    }

    /// An operation begins: it waits, or takes a permit that is there.
    void enter(Queue::Implementation& queue, queue::Record& record) noexcept;
    /// It waits no more: it is cancelled, or has timed out.
    void leave(queue::Record& record) noexcept;
    /// It has been delivered, or will be without a user.
    void forget(queue::Record& record) noexcept;
    /// One that has been told has no user any more: the next one is.
    void pass_on(queue::Record& record) noexcept;

    /// Tells as many as that, or fewer.
    void tell(std::size_t most) noexcept;
    void release(std::size_t permits) noexcept;
    bool take_permit() noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
    [[nodiscard]] std::size_t permits() const noexcept { return permits_; }

private:
    void drop_reference() noexcept;

    const Of of_;
    std::size_t permits_; // 0 while anything waits
    std::size_t references_ = 1;
    Queue::Implementation* queue_ = nullptr; // of what waits
    engine::OperationList waiting_;
};

} // namespace detail
AIOXX_NAMESPACE_END
