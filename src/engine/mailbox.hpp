// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"

#include <array>
#include <atomic>
#include <cstddef>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// What other threads tell the engine: operations that workers have made, and that it is to wake.
///
/// A list without a lock, and two eventfds that are written only when there is a reason: a thread
/// sleeps, or an event loop may, and nothing was here before. A thread that wants to sleep says so
/// first, and then looks once more; so no wake is lost.
///
/// Threads: each function says which. Errors: none. Blocking: none.
class Mailbox {
public:
    /// By what a thread sleeps.
    enum class Sleep : std::size_t {
        ring,     // the wake descriptor: a POLL in the ring, or ppoll
        event_fd, // the event descriptor: a read or poll
    };

    /// Both descriptors are eventfds of the engine's, and stay open for as long as any thread uses
    /// this. `event_fd`: -1 for none. `always`: an event loop may sleep by it at any time without a
    /// word. Before any other thread uses this.
    void open(int wake_fd, int event_fd, bool always) noexcept;

    /// Any thread. `operation` has its result and is on no list. It may be taken, completed and
    /// gone before this returns.
    void push(Operation& operation) noexcept {
        if (put(operation)) {
            signal();
        }
    }
    /// The same in two steps, for a thread that holds a lock: true when signal() has to follow.
    [[nodiscard]] bool put(Operation& operation) noexcept;
    void signal() noexcept;
    /// Ends a sleep, the present one or the next. Any thread; async-signal-safe.
    void wake() noexcept;

    /// Whether take() would give something, or wake() was called. Any thread.
    [[nodiscard]] bool has_mail() const noexcept {
        // Sequentially consistent for begin_sleep().
        return newest_.load(std::memory_order_seq_cst) != nullptr ||
               woken_.load(std::memory_order_seq_cst);
    }
    /// The engine's thread: all that has been pushed, in its order. Forgets wake(). An eventfd is
    /// read before, not after: what it counts then is here.
    OperationList take() noexcept;

    /// Around a sleep. False: there is something to look at, so the sleep is left out; end_sleep()
    /// follows all the same. A sleep may also end by the signal of what has been taken already. Any
    /// thread.
    bool begin_sleep(Sleep by) noexcept;
    /// Whether a thread sleeps, or is about to. Any thread.
    [[nodiscard]] bool has_sleeper(Sleep by) const noexcept {
        return sleepers_[static_cast<std::size_t>(by)].load(std::memory_order_seq_cst) > 0;
    }
    void end_sleep(Sleep by) noexcept;

private:
    std::atomic<unsigned>& sleepers(Sleep by) noexcept {
        return sleepers_[static_cast<std::size_t>(by)];
    }

    std::atomic<Operation*> newest_{nullptr}; // linked by Link<Operation, holder>::next
    std::atomic<bool> woken_{false};
    std::array<std::atomic<unsigned>, 2> sleepers_{};
    int wake_fd_ = -1;
    int event_fd_ = -1;
    bool always_ = false;
};

} // namespace engine
AIOXX_NAMESPACE_END
