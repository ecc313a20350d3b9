// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "core/fork_generation.hpp"
#include "posix/layer.hpp"

#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// A thread that waits, in aio_suspend or lio_listio.
///
/// One waiter at a time leads: it reads the event counter, which a handler with SA_RESTART does not
/// end (io_getevents it would). The others follow: they sleep until the leader, or anybody else,
/// has taken something in. A handler that waits on the thread of the leader leads in its place.
///
/// Made and used without the lock. wait() is a cancellation point, and may be left by an unwinding
/// thread; the destructor steps back.
class Waiter {
public:
    explicit Waiter(Layer& layer) noexcept : layer_(layer) {}
    ~Waiter() {
        if (role_ != Role::none) { // interrupted, or unwound
            leave();
        }
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// Looks out for a moment for the end of what takes no longer than to fall asleep and be woken.
    /// Whether there is something to look at.
    bool spin() noexcept;
    /// Takes in what there is, under the lock; and unless `done` says that this was it, gets ready
    /// to sleep.
    template <typename Done>
    bool look(Done done) noexcept {
        const CriticalSection section;
        if (layer_.generation() != fork_generation::current()) {
            role_ = Role::none; // a handler has forked, and this is the child: nothing is awaited
            return true;
        }
        layer_.take_in();
        if (done()) {
            step_back();
            return true;
        }
        spins_ = may_spin() && !std::exchange(has_spun_in_vain_, false);
        cut_off_ = !spins_ && layer_.is_cut_off();
        get_ready();
        return false;
    }
    /// Sleeps until it is worth to look again; 0, EINTR, EAGAIN when `deadline` (monotonic; null:
    /// none) has passed, or EBADF when there is nothing left to be woken by.
    int sleep(const timespec* deadline);

private:
    enum class Role { none, leader, follower };

    void get_ready() noexcept;
    void step_back() noexcept; // with the lock
    void leave() noexcept;
    [[nodiscard]] bool may_spin() const noexcept;
    int sleep_by_event_fd(const timespec* limit);

    Layer& layer_;
    Role role_ = Role::none;
    std::uintptr_t leader_before_ = 0; // this thread, when this is in a handler of its
    std::uint32_t seen_ = 0;
    bool spins_ = false; // before it sleeps
    bool has_spun_in_vain_ = false;
    bool cut_off_ = false; // its event counter's number may be the program's by now
};

/// FUTEX_WAIT, as a cancellation point; 0 or an errno. `limit` null: none.
int cancellable_futex_wait(std::uint32_t* word, std::uint32_t value, const timespec* limit);

} // namespace posix
AIOXX_NAMESPACE_END
