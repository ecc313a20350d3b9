// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/iocb.hpp>
#include <aioxx/engine/request.hpp>

#include "engine/list.hpp"
#include "engine/state.hpp"

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include <poll.h>
#include <sys/uio.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

class FileRecord;
class SlotHolder;
class Turn;

/// What a poll tells, asked for or not.
inline constexpr std::uint32_t always_reported = POLLERR | POLLHUP;

/// By which way an operation is carried out. RoutePolicy chooses it.
enum class Way : std::uint8_t {
    submit,           // io_submit as it is
    submit_nowait,    // io_submit with RWF_NOWAIT added; EAGAIN is not the end
    call,             // a plain call by the engine's own thread, which waits for nothing
    call_nowait,      // the same with RWF_NOWAIT added; EAGAIN is not the end
    call_nonblocking, // the same on the file's O_NONBLOCK descriptor; likewise
    worker,           // a plain call by a worker
    worker_nowait,    // the same with RWF_NOWAIT added; EAGAIN is not the end
    worker_submit,    // io_submit by a worker, where submitting has been seen to sleep
};

/// Whether the call that submits an operation is checked for having slept.
enum class SubmitWatch : std::uint8_t {
    none,
    together, // with whatever goes by the same call
    alone,    // it goes by a call of its own
};

/// One operation under way. Its address is what the kernel knows it by: it stays where it is from
/// start until it has been taken as completed.
///
/// Ownership: the floor above owns it and derives from it; the engine allocates and frees none.
class Operation : public Link<Operation, 0>, public Link<Operation, 1> {
public:
    static constexpr int holder = 0;    // the list of its holder, by its state
    static constexpr int transfers = 1; // the transfers under way on a file

    Iocb iocb;

    // Set by the floor above before start.
    Request request;
    FileRecord* file = nullptr;

    // The engine's, while it is under way.
    Way way = Way::submit;
    SubmitWatch watch = SubmitWatch::none;
    bool cancel_requested = false; // the kernel was asked to
    bool internal = false;         // a poll of the engine's own, which no scheduler knows
    bool in_turn = false;          // workers make these one after the other on a file
    bool appends = false;          // the FileOrder's: an append that goes on
    bool waits_for_turn = false;   // with the worker pool
    bool is_slow = false;          // the same: in which of its lists it waits
    bool read_ahead = false;       // the same: the kernel has been told of it
    bool end_of_file = false;
    std::uint64_t sequence = 0; // among the writes and flushes of its file
    SlotHolder* slot = nullptr; // of the context: whose account it is on; null: it has none
    std::size_t done = 0;       // bytes transferred by earlier parts; done_so_far() elsewhere
    Turn* turn = nullptr;       // with the worker pool: of which it is one, or null
    void* pin = nullptr;        // what keeps its file for a worker, where a number does not
    std::int64_t result = 0;
    std::int64_t result2 = 0;

    [[nodiscard]] State state() const noexcept { return state_; }
    /// The only way a state changes.
    void move_to(State next) noexcept {
        assert(transitions::allowed(state_, next));
        state_ = next;
    }
    /// Forgets an earlier use.
    void begin() noexcept {
        assert(state_ == State::idle);
        done = 0;
        result = 0;
        result2 = 0;
        end_of_file = false;
        cancel_requested = false;
    }

    [[nodiscard]] bool has_slot() const noexcept { return slot != nullptr; }
    [[nodiscard]] bool is_read() const noexcept { return request.is_read(); }
    [[nodiscard]] bool is_write() const noexcept { return request.is_write(); }
    [[nodiscard]] bool is_transfer() const noexcept { return request.is_transfer(); }
    [[nodiscard]] bool is_flush() const noexcept { return request.is_flush(); }
    [[nodiscard]] bool is_resize() const noexcept { return request.is_resize(); }
    [[nodiscard]] bool is_poll() const noexcept { return request.kind == Kind::poll; }

    /// Whether a worker that has it submits it.
    [[nodiscard]] bool is_submitted() const noexcept {
        return is_poll() || way == Way::worker_submit;
    }
    /// Whether it is tried where it cannot block, so that EAGAIN is not its end.
    [[nodiscard]] bool is_try() const noexcept {
        return asks_nowait() || way == Way::call_nonblocking;
    }
    /// The same by RWF_NOWAIT, which a file may not know: EOPNOTSUPP.
    [[nodiscard]] bool asks_nowait() const noexcept {
        return way == Way::submit_nowait || way == Way::call_nowait || way == Way::worker_nowait;
    }

    /// Of the call: those that were asked for, and NOWAIT where it is tried.
    [[nodiscard]] RwFlags flags() const noexcept {
        return asks_nowait() ? request.flags | RwFlags::nowait : request.flags;
    }
    /// Where what remains begins.
    [[nodiscard]] std::int64_t current_offset() const noexcept {
        return request.offset + static_cast<std::int64_t>(done);
    }
    /// Bytes that are still to be transferred.
    [[nodiscard]] std::size_t remaining() const noexcept {
        return request.is_vectored() ? remaining_in_vector() : request.length - done;
    }
    /// Bytes transferred by earlier parts. The engine's thread, while a worker may have it.
    [[nodiscard]] std::size_t done_so_far() noexcept {
        return std::atomic_ref{done}.load(std::memory_order_relaxed);
    }
    /// Moves the start of the buffers by `bytes` that have been transferred. The holder's thread.
    void advance(std::size_t bytes) noexcept {
        std::atomic_ref{done}.store(done + bytes, std::memory_order_relaxed);
        if (request.is_vectored()) {
            advance_vector(bytes);
        }
    }
    /// Fills in the iocb for what remains, on descriptor `fd`. `event_fd`: -1 for none.
    void prepare(int fd, int event_fd) noexcept;

private:
    void prepare_other(int fd) noexcept;
    [[nodiscard]] std::size_t remaining_in_vector() const noexcept;
    void advance_vector(std::size_t bytes) noexcept;

    State state_ = State::idle;
};

using OperationList = List<Operation, Operation::holder>;
using TransferList = List<Operation, Operation::transfers>;

} // namespace engine
AIOXX_NAMESPACE_END
