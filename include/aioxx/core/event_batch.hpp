// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/event.hpp>

#include <cstddef>
#include <memory>
#include <utility>

AIOXX_NAMESPACE_BEGIN

/// A reusable array for completions, owned by the caller.
///
/// Allocates once, when it is made; each Context::wait or Context::reap replaces what it holds. One
/// batch can serve several contexts in turn. A moved-from batch has no capacity.
///
/// **Threads.** One thread at a time uses it.
///
/// **Errors.** std::bad_alloc, of the constructor. An operation that failed is an Event like
/// others.
///
///     aioxx::EventBatch events{64};
///     context.wait(events, 1);
///     for (const aioxx::Event& event : events) { ... }
class EventBatch {
public:
    /// Room for `capacity` events of 32 bytes, which is also the most that one call reaps. Throws
    /// std::bad_alloc.
    explicit EventBatch(std::size_t capacity)
        : events_(std::make_unique<Event[]>(capacity)), capacity_(capacity) {}

    /// Takes over the array and what it holds.
    EventBatch(EventBatch&& other) noexcept
        : events_(std::move(other.events_)), capacity_(std::exchange(other.capacity_, 0)),
          size_(std::exchange(other.size_, 0)) {}
    /// Takes over the array of `other`; the one that was here is freed.
    EventBatch& operator=(EventBatch&& other) noexcept {
        events_ = std::move(other.events_);
        capacity_ = std::exchange(other.capacity_, 0);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }

    /// How many events the last call has filled in.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// How many there is room for.
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// Whether the last call has found none.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// The first of size() events that lie one behind the other.
    [[nodiscard]] const Event* data() const noexcept { return events_.get(); }
    /// For a loop over the events. Valid until the next wait or reap, or a move.
    [[nodiscard]] const Event* begin() const noexcept { return events_.get(); }
    /// Behind the last event.
    [[nodiscard]] const Event* end() const noexcept { return events_.get() + size_; }
    /// `index` is below size().
    [[nodiscard]] const Event& operator[](std::size_t index) const noexcept {
        return events_[index];
    }

    /// Forgets the events; the capacity stays.
    void clear() noexcept { size_ = 0; }

private:
    friend class Context;

    std::unique_ptr<Event[]> events_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
};

AIOXX_NAMESPACE_END
