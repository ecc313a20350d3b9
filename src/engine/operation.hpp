// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/flags.hpp>
#include <aioxx/core/iocb.hpp>

#include "engine/list.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include <poll.h>
#include <sys/uio.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

class FileState;
struct Pin;

/// What a poll tells, asked for or not.
inline constexpr std::uint32_t always_reported = POLLERR | POLLHUP;

/// What an operation is, as its user asked for it.
enum class Kind : std::uint8_t {
    read,
    write,
    readv,
    writev,
    fsync,
    fdatasync,
    poll,
    none, // never in the kernel: a sleep, a message; completed by whoever owns it
};

/// Where an operation is. Each has at every moment exactly one holder.
enum class State : std::uint8_t {
    idle,      // its owner's: not started, or given back
    batched,   // prepared, goes with the next submit
    backlog,   // waits for room in the context
    ordered,   // waits behind earlier operations on its file
    streaming, // waits for its stream to become ready, or behind another that does
    unhanded,  // is for a helper, and there is none yet
    helper,    // with a helper thread, which makes the call that may block
    kernel,    // accepted by io_submit, its event not yet seen
    completed, // its outcome is known, and waits to be taken
};

/// In which way an operation is to enter the kernel.
enum class Route : std::uint8_t {
    plain,  // io_submit as it is
    nowait, // io_submit with RWF_NOWAIT added; what comes back as EAGAIN is carried on elsewhere
    nonblocking, // the same on a descriptor that is O_NONBLOCK, where RWF_NOWAIT is not known
    helper,      // io_submit by a helper thread
    call,        // preadv2 or pwritev2 by a helper thread, for files that know no AIO at all
};

/// Whether it is looked at if the call that submits it puts the thread to sleep.
enum class SubmitWatch : std::uint8_t {
    none,
    together, // with whatever goes by the same call
    alone,    // it goes by a call of its own
};

/// The record of one operation. Its address is what the kernel knows it by: it stays where it is
/// from start until it has been taken as completed. Owned by the floor above, which derives from
/// it; the engine allocates none and frees none.
class Operation : public Link<Operation, 0>, // backlog, stream, order, helper and completed lists
                  public Link<Operation, 1>  // the transfers under way on a file
{
public:
    static constexpr int holder = 0;
    static constexpr int transfers = 1;

    Iocb iocb;

    // What was asked for. Set by the floor above before start.
    FileState* file = nullptr;
    std::byte* base = nullptr; // of a plain transfer
    iovec* vector = nullptr;   // of a vectored one: the record's own copy, consumed by progress
    std::size_t length = 0;    // bytes, or vectors
    std::int64_t offset = 0;   // bytes
    RwFlags flags = RwFlags::none;
    IoPriority priority;
    std::uint32_t poll_events = 0;
    Kind kind = Kind::none;
    std::uint8_t rank = 0; // the lowest leaves the backlog first
    bool prioritised = false;
    bool exact = false;        // short transfers are carried on
    bool after_writes = false; // an fsync that waits for the writes started before it

    // Where it stands. The engine's.
    State state = State::idle;
    Route route = Route::plain;
    SubmitWatch watch = SubmitWatch::none;
    bool cancel_requested = false; // the kernel was asked to
    bool internal = false;         // the engine's own poll
    std::uint64_t sequence = 0;    // among the writes and flushes of its file
    std::size_t done = 0;          // bytes transferred by earlier parts
    Pin* pin = nullptr;            // holds the file for a helper
    bool in_turn = false;          // helpers make these one after the other on a file
    bool waits_for_turn = false;
    bool lent = false; // the file was lent to it

    // The outcome.
    std::int64_t result = 0;
    std::int64_t result2 = 0;
    bool end_of_file = false;

    [[nodiscard]] bool is_read() const noexcept {
        return kind == Kind::read || kind == Kind::readv;
    }
    [[nodiscard]] bool is_write() const noexcept {
        return kind == Kind::write || kind == Kind::writev;
    }
    [[nodiscard]] bool is_transfer() const noexcept { return is_read() || is_write(); }
    [[nodiscard]] bool is_flush() const noexcept {
        return kind == Kind::fsync || kind == Kind::fdatasync;
    }

    /// Bytes that are still to be transferred.
    [[nodiscard]] std::size_t remaining() const noexcept {
        return vector == nullptr ? length - done : remaining_in_vector();
    }
    /// Moves the start of the buffers by `bytes` that have been transferred.
    void advance(std::size_t bytes) noexcept {
        done += bytes;
        if (vector != nullptr) {
            advance_vector(bytes);
        }
    }
    /// Fills in the iocb for what remains, on descriptor `fd`.
    void prepare(int fd, int event_fd) noexcept;
    /// Does it by preadv2 or pwritev2: a count of bytes or a negative errno.
    std::int64_t call(int fd) noexcept;

private:
    [[nodiscard]] std::size_t remaining_in_vector() const noexcept;
    void advance_vector(std::size_t bytes) noexcept;
};

using OperationList = List<Operation, Operation::holder>;
using TransferList = List<Operation, Operation::transfers>;

} // namespace engine
AIOXX_NAMESPACE_END
