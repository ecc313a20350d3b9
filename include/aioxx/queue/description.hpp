// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/lasting.hpp>
#include <aioxx/queue/request.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN

/// What an operation is, as far as that decides what may be said of it.
enum class OperationKind : std::uint8_t {
    transfer,   ///< read, write and their sisters
    flush,      ///< fsync, fdatasync
    resize,     ///< fallocate, ftruncate
    open,       ///< Queue::open
    poll,       ///< Queue::poll
    sleep,      ///< Queue::sleep_until, Queue::sleep_for
    capacity,   ///< Queue::wait_for_capacity
    quarantine, ///< Queue::wait_for_quarantine
    condition,  ///< Condition::wait, Semaphore::acquire
    yield,      ///< Queue::yield
    buffer,     ///< Queue::buffer
};

namespace detail {

class WaitList;

/// A point in time as far away as `span` asks for, and as the clock can say.
inline std::chrono::steady_clock::time_point from_now(std::chrono::nanoseconds span) noexcept {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point now = Clock::now(); // never before the clock's zero
    return span < Clock::time_point::max() - now ? now + span : Clock::time_point::max();
}

inline Request request_for(engine::Kind kind, LastingFile file) noexcept {
    Request request;
    request.kind = kind;
    request.file = file.get();
    return request;
}
/// `memory`: the bytes, or an array of iovec.
template <typename T>
Request transfer(engine::Kind kind, LastingFile file, Lasting<T> memory, Offset offset) noexcept {
    Request request = request_for(kind, file);
    request.data = const_cast<std::remove_const_t<T>*>(memory.data());
    request.length = memory.size();
    request.offset = offset.bytes();
    request.needs_stream = !offset.is_given();
    return request;
}
inline Request owning(engine::Kind kind, LastingFile file, AlignedBuffer&& buffer,
                      Offset offset) noexcept {
    Request request = transfer<std::byte>(kind, file, buffer, offset);
    request.buffer = std::move(buffer);
    return request;
}
/// Throws std::bad_alloc, and has left `memory` as it was.
template <Container Memory>
Request owning(engine::Kind kind, LastingFile file, Memory&& memory, Offset offset) {
    return owning(kind, file, HeldMemory<Memory>::hold(std::forward<Memory>(memory)), offset);
}
template <typename Memory>
Request owning(engine::Kind kind, LastingFile file, Part<Memory>&& part, Offset offset) {
    Request request = owning(kind, file, std::move(part).memory(), offset);
    request.data = request.buffer.data() + part.from(); // NOLINT(bugprone-use-after-move): numbers
    request.length = part.count();
    return request;
}
inline Request wait_in(WaitList* list) noexcept {
    Request request;
    request.kind = engine::Kind::condition;
    request.data = list;
    return request;
}
inline Request exact(Request&& request) noexcept {
    request.exact = true;
    return std::move(request);
}

template <typename Self>
void asks_for_move() {
    static_assert(never<Self>, "this consumes what it is given, which has a name: write "
                               "std::move(name), as in co_await std::move(name)");
}

/// \endcond
/// What may be said of an operation before it begins, in any order: each exists where it means
/// something.
template <typename Self, OperationKind kind>
class Description {
    static constexpr bool has_priority =
        kind == OperationKind::transfer || kind == OperationKind::flush;
    static constexpr bool can_wait = kind != OperationKind::yield; // and so has deadlines

public:
    /// For the functions of Queue.
    Description(Queue& queue, Request&& request) noexcept
        : queue_(&queue), request_(std::move(request)) {
        request.begun = true; // NOLINT(bugprone-use-after-move): what is left
    }
    /// Takes over what is described; `other` cannot be begun any more.
    Description(Description&& other) noexcept
        : Description(*other.queue_, std::move(other.request_)) {}
    /// Takes over what is described.
    Description& operator=(Description&& other) noexcept {
        Description taken{std::move(other)};
        std::swap(queue_, taken.queue_);
        std::swap(request_, taken.request_);
        return *this;
    }

    /// Per-operation flags; with `nowait` the EAGAIN is delivered.
    Self&& with(RwFlags flags) && noexcept requires(kind == OperationKind::transfer) {
        return std::move(with(flags));
    }
    Self& with(RwFlags flags) & noexcept requires(kind == OperationKind::transfer) {
        request_.flags |= flags;
        return self();
    }
    /// The priority of its calls and of its place in the backlog: see IoPriority.
    Self&& with(IoPriority priority) && noexcept requires has_priority {
        return std::move(with(priority));
    }
    Self& with(IoPriority priority) & noexcept requires has_priority {
        request_.priority = priority;
        request_.prioritised = true;
        return self();
    }
    /// On a file that is open for direct I/O the range may begin and end anywhere, and its memory
    /// may lie anywhere: where something is not aligned, a read takes the whole blocks around the
    /// range into a copy. A write goes through one for the sake of its memory; of blocks that it
    /// covers in part the kernel's EINVAL stays, as what is beside it might change meanwhile. On
    /// other files it changes nothing.
    ///
    /// Ownership: borrowed memory stays borrowed. Memory that is moved in is not copied: there the
    /// kernel's EINVAL stays. Errors: those of until().
    Self&& unaligned() && noexcept requires(kind == OperationKind::transfer) {
        return std::move(unaligned());
    }
    Self& unaligned() & noexcept requires(kind == OperationKind::transfer) {
        request_.unaligned = true;
        return self();
    }
    /// Begins when every write started before it on this file, on this queue, has completed. Their
    /// failures are not its own: look at theirs as well.
    Self&& after_writes() && noexcept requires(kind == OperationKind::flush) {
        return std::move(after_writes());
    }
    Self& after_writes() & noexcept requires(kind == OperationKind::flush) {
        request_.after_writes = true;
        return self();
    }
    /// Ends the wait at `time` with std::errc::timed_out, wherever the operation is: doc/queue.md,
    /// Giving up. Of several times the earliest counts. What has not begun when it is past never
    /// does; what cannot be called back goes on in the queue's quarantine.
    ///
    /// Ownership: borrowed memory is copied, so that it is free when the completion has been
    /// delivered. Errors: start() fails with EAGAIN where Options::copy_limit is used up for now,
    /// and with EINVAL for more bytes than that: move the buffer in.
    Self&& until(std::chrono::steady_clock::time_point time) && noexcept requires can_wait {
        return std::move(until(time));
    }
    Self& until(std::chrono::steady_clock::time_point time) & noexcept requires can_wait {
        if (!request_.has_deadline || time < request_.deadline) {
            request_.deadline = time;
            request_.has_deadline = true;
            request_.can_be_given_up = true;
            request_.times_out = true;
        }
        return self();
    }
    /// until(), for so long from now on. A `span` below zero has passed; one that reaches beyond
    /// the clock's end never does.
    Self&& within(std::chrono::nanoseconds span) && noexcept requires can_wait {
        return std::move(within(span));
    }
    Self& within(std::chrono::nanoseconds span) & noexcept requires can_wait {
        return until(from_now(span));
    }

protected:
    ~Description() = default;

    [[nodiscard]] Queue& queue() const noexcept { return *queue_; }
    [[nodiscard]] Request& request() noexcept { return request_; }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }

    Queue* queue_;
    Request request_;
};
/// \cond internal

} // namespace detail
AIOXX_NAMESPACE_END
