// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/mailbox.hpp"

#include <cerrno>
#include <cstdint>

#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

using Holder = Link<Operation, Operation::holder>;

Operation*& next_of(Operation& operation) noexcept {
    return static_cast<Holder&>(operation).next;
}

/// By number: a worker may have a descriptor table of its own, and a sanitizer that watches the C
/// library's functions takes all numbers for those of one table. It fails only where the count is
/// at its end, and then the descriptor is readable as it is. Leaves errno as it was.
void add_one(int event_fd) noexcept {
    const int before = errno;
    const std::uint64_t one = 1;
    ::syscall(SYS_write, event_fd, &one, sizeof(one));
    errno = before;
}

} // namespace

// No wake is lost because of two pairs of accesses that are all sequentially consistent. A thread
// that sleeps writes `sleepers_`, then reads `newest_` and `woken_`; one that has mail writes
// `newest_` or `woken_`, then reads `sleepers_`. In the one order of all four, whichever write
// comes second is followed by a read that sees the first: either the sleep is left out, or it is
// ended.
//
// A push onto a list that is not empty signals nothing. The push that made it non-empty does, and
// until take() has emptied it the same signal holds for both.

void Mailbox::open(int wake_fd, int event_fd, bool always) noexcept {
    wake_fd_ = wake_fd;
    event_fd_ = event_fd;
    always_ = always;
}

bool Mailbox::put(Operation& operation) noexcept {
    // Relaxed: the value is only compared, and what it points to is not looked at.
    Operation* newest = newest_.load(std::memory_order_relaxed);
    do {
        next_of(operation) = newest;
        // Sequentially consistent for the pairs above; of that, release publishes the operation.
        // A failure tells a newer value and nothing else.
    } while (!newest_.compare_exchange_weak(newest, &operation, std::memory_order_seq_cst,
                                            std::memory_order_relaxed));
    return newest == nullptr;
}

void Mailbox::wake() noexcept {
    // Sequentially consistent for the pairs above; of that, release publishes what the caller wants
    // to be looked at.
    if (!woken_.exchange(true, std::memory_order_seq_cst)) {
        signal();
    }
}

void Mailbox::signal() noexcept {
    // Sequentially consistent for the pairs above.
    if (sleepers(Sleep::ring).load(std::memory_order_seq_cst) > 0) {
        add_one(wake_fd_);
    }
    if (event_fd_ >= 0 &&
        (always_ || sleepers(Sleep::event_fd).load(std::memory_order_seq_cst) > 0)) {
        add_one(event_fd_);
    }
}

OperationList Mailbox::take() noexcept {
    // Relaxed, to leave out the dearer exchange: what is missed here is seen by begin_sleep(), or
    // is signalled. The exchange acquires what the waker has released.
    if (woken_.load(std::memory_order_relaxed)) {
        woken_.exchange(false, std::memory_order_acquire);
    }
    if (newest_.load(std::memory_order_relaxed) == nullptr) {
        return {};
    }
    // Acquires all operations of the list, not only the newest: each push after the first is a
    // read-modify-write, and so continues the release sequence of those before it.
    Operation* newest = newest_.exchange(nullptr, std::memory_order_acquire);
    OperationList in_order;
    while (newest != nullptr) {
        Operation& operation = *newest;
        newest = next_of(operation);
        in_order.push_front(operation);
    }
    return in_order;
}

bool Mailbox::begin_sleep(Sleep by) noexcept {
    // Sequentially consistent for the pairs above.
    sleepers(by).fetch_add(1, std::memory_order_seq_cst);
    return !has_mail();
}

void Mailbox::end_sleep(Sleep by) noexcept {
    // Relaxed: a signal too many does no harm, and nothing is published.
    sleepers(by).fetch_sub(1, std::memory_order_relaxed);
}

} // namespace engine
AIOXX_NAMESPACE_END
