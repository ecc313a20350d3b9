// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/file_identity.hpp"

#include <atomic>
#include <cstddef>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// A second descriptor of a pipe, a socket or a terminal, in the program's own table, by which it
/// stays open although the program may close its own.
struct Duplicate {
    std::atomic<int> fd{-1}; // the last it had; after the identity, so that a child finds that
    FileIdentity identity;
    bool opened_anew = false;
};

/// The duplicates of a process. They have high numbers, and there is no more than one for sixteen
/// numbers that the process may have: the others stay the program's. None is made while a thread
/// forks.
///
/// Closing one drops the record locks (fcntl) that the program has on the file, which no
/// program is known to take on pipes and sockets.
///
/// Threads: the functions are for one thread at a time. Blocking: close() may, where it is the last
/// of the file's descriptors (SO_LINGER). Only the constructor allocates.
class DuplicateTable {
public:
    /// Throws std::bad_alloc.
    DuplicateTable();
    DuplicateTable(const DuplicateTable&) = delete;
    DuplicateTable& operator=(const DuplicateTable&) = delete;

    /// Of `fd`, which has an inode of its own; null when there is none to be had. It is the
    /// table's.
    [[nodiscard]] Duplicate* make(int fd) noexcept;
    /// The file that `path` leads to, opened anew; null with errno, which is EAGAIN where it may be
    /// had later. It does not count among the sixteenth.
    [[nodiscard]] Duplicate* open_anew(const char* path, int flags) noexcept;
    /// Whether its number still stands for the file. The program may have closed it, and have
    /// another file there.
    [[nodiscard]] static bool confirm(const Duplicate& duplicate) noexcept;
    /// Closes it, if it still is that.
    void close(Duplicate& duplicate) noexcept;
    /// In a forked child, whatever the parent's threads were doing: closes its copies. Nothing else
    /// may be called there any more.
    void close_inherited() noexcept;

private:
    Duplicate& take(const FileIdentity& identity, int number) noexcept;
    static void close_number(const Duplicate& duplicate) noexcept;

    int first_;           // number
    std::size_t allowed_; // more duplicates
    std::vector<Duplicate> all_;
    std::vector<Duplicate*> free_;
};

} // namespace posix
AIOXX_NAMESPACE_END
