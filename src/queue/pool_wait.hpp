// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/engine.hpp"
#include "file/buffer_store.hpp"
#include "queue/visitors.hpp"

#include <atomic>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace queue {

struct Record;
class PoolWait;

/// Waits for a pool's buffer that have ended, left here for the queue's thread by whichever thread
/// gave the buffer back.
class EndedPoolWaits {
public:
    EndedPoolWaits(Visitors& visitors, engine::Engine& engine) noexcept
        : visitors_(visitors), engine_(engine) {}

    /// Any thread. As soon as it is there the queue may go.
    void add(PoolWait& wait) noexcept;
    /// All, in the order in which they ended: linked by PoolWait::next.
    [[nodiscard]] PoolWait* take() noexcept;
    [[nodiscard]] bool empty() const noexcept {
        return last_.load(std::memory_order_acquire) == nullptr;
    }

private:
    Visitors& visitors_;
    engine::Engine& engine_;
    std::atomic<PoolWait*> last_{nullptr};
};

/// A record's wait for a pool's buffer. It is kept with the record for the next.
class PoolWait final : public detail::BufferWait {
public:
    PoolWait(EndedPoolWaits& waits, Record& waiting) noexcept
        : BufferWait([](BufferWait& wait) noexcept {
              auto& self = static_cast<PoolWait&>(wait);
              self.waits_.add(self);
          }),
          record(waiting), waits_(waits) {}

    /// A buffer that is there, or an empty one: then it waits until it is in EndedPoolWaits.
    [[nodiscard]] AlignedBuffer begin(detail::BufferStore& store) noexcept {
        store_ = &store;
        return store.take_or_wait(*this);
    }
    /// False when it has ended: it is in EndedPoolWaits.
    bool leave() noexcept { return store_->leave(*this); }
    /// What it has waited for, once it was taken from there; empty when the pool has gone.
    [[nodiscard]] AlignedBuffer end() noexcept {
        AlignedBuffer given = std::move(buffer);
        store_->drop_reference();
        return given;
    }

    Record& record;
    PoolWait* next = nullptr; // of those that have ended

private:
    EndedPoolWaits& waits_;
    detail::BufferStore* store_ = nullptr;
};

inline void EndedPoolWaits::add(PoolWait& wait) noexcept {
    const Visit visit{visitors_};
    wait.next = last_.load(std::memory_order_relaxed);
    while (!last_.compare_exchange_weak(wait.next, &wait, std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
    engine_.wake();
}

inline PoolWait* EndedPoolWaits::take() noexcept {
    PoolWait* newest = last_.exchange(nullptr, std::memory_order_acquire);
    PoolWait* oldest = nullptr;
    while (newest != nullptr) {
        PoolWait* const before = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = before;
    }
    return oldest;
}

} // namespace queue
AIOXX_NAMESPACE_END
