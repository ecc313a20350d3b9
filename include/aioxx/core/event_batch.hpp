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
class EventBatch {
public:
    /// Room for `capacity` events, which is also the most that one call reaps.
    explicit EventBatch(std::size_t capacity)
        : events_(std::make_unique<Event[]>(capacity)), capacity_(capacity) {}

    EventBatch(EventBatch&& other) noexcept
        : events_(std::move(other.events_)), capacity_(std::exchange(other.capacity_, 0)),
          size_(std::exchange(other.size_, 0)) {}
    EventBatch& operator=(EventBatch&& other) noexcept {
        events_ = std::move(other.events_);
        capacity_ = std::exchange(other.capacity_, 0);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    [[nodiscard]] const Event* data() const noexcept { return events_.get(); }
    [[nodiscard]] const Event* begin() const noexcept { return events_.get(); }
    [[nodiscard]] const Event* end() const noexcept { return events_.get() + size_; }
    /// `index` is below size().
    [[nodiscard]] const Event& operator[](std::size_t index) const noexcept {
        return events_[index];
    }

    void clear() noexcept { size_ = 0; }

private:
    friend class Context;

    std::unique_ptr<Event[]> events_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
};

AIOXX_NAMESPACE_END
