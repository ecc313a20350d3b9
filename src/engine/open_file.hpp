// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/file_record.hpp"
#include "engine/turn.hpp"

#include <array>
#include <cassert>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN

class File;

namespace engine {

struct FileSystem;

/// What an engine keeps of an open file beside the FileRecord: its descriptors, where it is
/// registered, and how it stays open for what waits outside the kernel. The floor above derives
/// from it and says how.
///
/// Ownership: the floor above makes it at the file's first use, and retire() gives it back.
/// Threads: the engine's, but for what says otherwise.
class OpenFile : public FileRecord,
                 public Link<OpenFile, 1>,  // the engine's files
                 public Link<OpenFile, 2> { // the worker pool's, with reads that wait for a turn
public:
    explicit OpenFile(const File& file) noexcept;

    /// The first operation is started while none is under way.
    virtual void keep() noexcept = 0;
    /// The last operation that was under way has ended.
    virtual void release() noexcept = 0;
    /// Whether `number`, a usable one of this file's, stands for it still. False: nothing is to be
    /// done with it. Asked before each call by the engine's thread that is made on it.
    virtual bool confirm(int /*number*/) noexcept { return true; }
    /// `operation` goes to a worker: makes sure that the file can be reached from there. 0 or an
    /// errno.
    virtual int prepare_for_worker(Operation& operation) noexcept = 0;
    /// Has `epoll` tell `events` of the file, with `data`: 0 or an errno. By its number, unless the
    /// floor above knows better.
    virtual int watch(int epoll, std::uint32_t events, std::uint64_t data) noexcept;
    virtual void unwatch(int epoll) noexcept;
    /// The engine needs it no more: it is closed, or the engine ends. It may be gone afterwards.
    virtual void retire() noexcept = 0;

    /// A descriptor of the engine's own that is nonblocking, for files that do not know RWF_NOWAIT:
    /// opened anew, because O_NONBLOCK set on the user's would show to all that share it. Does
    /// nothing where the file cannot be opened anew. `high`: with a number at the end of the table.
    void reopen_nonblocking(bool high) noexcept;
    void close_reopened() noexcept;

    /// Whether no poll of the engine's own refers to this.
    [[nodiscard]] bool is_quiet() const noexcept {
        return polls[0].state() == State::idle && polls[1].state() == State::idle;
    }

    /// The user's, or the reopened one. -1: none.
    [[nodiscard]] int nonblocking_fd() const noexcept {
        return reopened_fd_ >= 0 ? reopened_fd_ : nonblocking ? fd : -1;
    }

    int fd; // the number that it is known by; valid while `usable`
    bool reopen_tried = false;
    bool is_pipe;
    std::uint64_t id = 0; // never used twice by one engine
    bool in_epoll = false;
    std::uint32_t armed = 0;        // what the epoll descriptor is to tell of it, once; 0: nothing
    std::uint64_t waits_since = 0;  // among those that wait by the epoll descriptor
    OperationList epoll_waiters;    // polls that wait by it
    std::array<Operation, 2> polls; // of its two streams: Readiness's own
    bool is_engines = false;        // no user knows of it
    // The worker pool's.
    FileSystem* file_system = nullptr; // null: none that the pool watches
    // Of plain calls.
    Turn write_turn{1, 1, false};
    Turn read_turn{4, 2, true};

protected:
    /// What was reopened has been closed: by release(), or when the engine needed it no more.
    ~OpenFile() { assert(reopened_fd_ < 0); }

private:
    /// Opens the file anew, by `path`: a number that close_anew() closes, or -1. EAGAIN: not now.
    virtual int open_anew(const char* path, int flags, bool high) noexcept;
    virtual void close_anew(int number) noexcept;

    int reopened_fd_ = -1;       // the only descriptor that is this object's own
    bool is_registered_ = false; // by watch()
};

inline OpenFile& open_file(const Operation& operation) noexcept {
    return static_cast<OpenFile&>(*operation.file);
}

} // namespace engine
AIOXX_NAMESPACE_END
