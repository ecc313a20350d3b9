// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"
#include "engine/pins.hpp"
#include "file/file_use.hpp"

#include <aioxx/file/file.hpp>

#include <array>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

class Engine;

/// What an engine has learnt about one open file, and what waits on it outside the kernel. Belongs
/// to the engine and to the File: it goes when both have let go.
class FileState : public FileUse,
                  public Link<FileState, 0>, // of the engine's files
                  public Link<FileState, 1>  // of those named in the present call
{
public:
    /// What is known of one direction, reading or writing.
    struct Direction {
        enum class Nowait : std::uint8_t { unknown, accepted, refused };

        Nowait nowait = Nowait::unknown;
        bool by_call = false;        // io_submit refuses the file as such: much of /proc
        std::uint8_t misses = 0;     // NOWAIT tries in a row that would have blocked
        std::uint16_t skips = 0;     // operations that go to a helper without a try
        std::uint16_t watched = 64;  // plain submits still to be watched one by one
        std::uint16_t unwatched = 0; // plain submits until the next that is watched
        std::uint16_t clean = 0;     // plain submits since one was seen to block, about
        std::uint8_t blocked = 0;    // watched submits in a row that blocked
        std::uint16_t offloaded = 0; // operations that go to a helper because submits blocked
        std::uint16_t penalty = 64;  // how many, the next time
    };

    FileState(Engine& user, const File& file) noexcept;

    Direction& direction(const Operation& operation) noexcept {
        return directions_[operation.is_write() ? 1 : 0];
    }
    /// The operations of one direction of a stream: first in, first out.
    struct Stream {
        bool is_possible = false;    // the file is known to have such a call
        Operation* active = nullptr; // tried, or waiting for readiness
        OperationList queue;         // behind it
        Operation readiness;         // the engine's own poll
    };
    Stream& stream_of(const Operation& operation) noexcept {
        return streams[operation.is_write() || &operation == &streams[1].readiness ? 1 : 0];
    }

    /// Whether nothing refers to this any more, the engine's own polls included.
    [[nodiscard]] bool is_quiet() const noexcept {
        return operations == 0 && streams[0].readiness.state == State::idle &&
               streams[1].readiness.state == State::idle;
    }

    Engine* engine;
    std::uint64_t id = 0; // never used twice by one engine
    int fd;
    FileKind kind;
    std::uint32_t alignment; // of offsets, when direct; 1 otherwise
    bool stream;
    bool direct;
    bool append;
    bool synchronous;
    bool in_memory = false;  // tmpfs and its like: nothing there blocks on a device
    bool on_fuse = false;    // even a direct write asks the server something before it is begun
    bool closed = false;     // the File is gone; the number may be somebody else's
    bool named = false;      // its number is its own until the present call ends
    bool in_epoll = false;   // registered with the engine's epoll descriptor, by its number
    bool watched = false;    // or by its pin
    int nonblocking_fd = -1; // its own, or a reopened one, where NOWAIT is refused
    bool reopen_tried = false;
    Pin* pin = nullptr; // set while the file is kept for the operations that wait
    Loan loan;          // of the file, to the operations in turn on it
    int pin_error = 0;  // why it could not be kept, the last time: an errno

    std::uint64_t operations = 0; // started and not completed
    std::uint64_t transfers = 0;  // of those, reads and writes
    std::uint64_t lent = 0;       // of those, that the file was lent to
    std::uint64_t parked = 0;     // of operations, neither in the kernel nor with a helper
    std::uint64_t sequence = 0;   // of what is under way, and of ordered flushes
    TransferList under_way;       // what flushes wait for, in the order of starting
    OperationList flushes;        // wait for transfers under way
    OperationList appends;        // wait for the append in front of them
    Operation* appending = nullptr;
    std::uint64_t waits_since = 0; // among those that wait by the epoll descriptor
    OperationList epoll_waiters;   // polls that wait by the engine's epoll descriptor
    std::array<Stream, 2> streams; // for reading, for writing

private:
    std::array<Direction, 2> directions_;
};

} // namespace engine
AIOXX_NAMESPACE_END
