// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/layout.hpp>

#include "core/ring.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// A completion ring that any number of threads read at a time, and signal handlers in the middle
/// of what they do: there is no lock. Nothing else may take events from it, io_getevents neither.
///
/// An event is delivered before its place is left, by each reader that finds it, so perhaps more
/// than once, and late. What is delivered must bear that.
class SharedRing {
public:
    /// Before the first read. `ring`: null for none.
    void open(Ring* ring) noexcept {
        size_ = ring != nullptr ? ring->size() : 0;
        bytes_ = ring != nullptr ? ring->bytes() : 0;
        ring_.store(ring, std::memory_order_release);
    }
    [[nodiscard]] bool is_open() const noexcept {
        return ring_.load(std::memory_order_acquire) != nullptr;
    }
    /// In memory. Does not look at the ring.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool empty() const noexcept {
        Ring* const ring = ring_.load(std::memory_order_acquire);
        return ring == nullptr || index_of(place_.load(std::memory_order_relaxed)) == ring->tail();
    }

    /// Takes what is there, each by a call of `deliver` with data and result.
    template <typename Deliver>
    void take(Deliver deliver) noexcept {
        Ring* const ring = ring_.load(std::memory_order_acquire);
        if (ring == nullptr) {
            return;
        }
        std::uint64_t place = place_.load(std::memory_order_acquire);
        while (index_of(place) != ring->tail()) {
            const kernel::EventLayout event = ring->copy(index_of(place));
            // The kernel does not write to the place before it has been left.
            if (const std::uint64_t now = place_.load(std::memory_order_relaxed); now != place) {
                place = now;
                continue;
            }
            deliver(event.data, event.result);
            if (place_.compare_exchange_strong(place, after(place))) {
                place = after(place);
            }
        }
        leave(*ring);
    }

private:
    /// Leaves to the kernel what has been delivered. The reader that finds both equal is done: one
    /// that stopped between reading and leaving finds that it was late, and does not return before
    /// the newest place has been left.
    void leave(Ring& ring) noexcept {
        for (;;) {
            const std::uint32_t head = ring.head();
            const std::uint32_t place = index_of(place_.load());
            if (head == place) {
                return;
            }
            ring.leave(head, place);
        }
    }
    static std::uint32_t index_of(std::uint64_t place) noexcept {
        return static_cast<std::uint32_t>(place);
    }
    [[nodiscard]] std::uint64_t after(std::uint64_t place) const noexcept {
        const std::uint64_t lap = place >> 32U;
        return index_of(place) + 1 < size_ ? place + 1 : (lap + 1) << 32U;
    }

    std::atomic<Ring*> ring_{nullptr};
    std::uint32_t size_ = 0;
    std::size_t bytes_ = 0;
    std::atomic<std::uint64_t> place_{0}; // laps, and the index of the next event
};

} // namespace posix
AIOXX_NAMESPACE_END
