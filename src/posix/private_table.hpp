// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <array>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The way into a descriptor table that one group of threads has for itself: a socket whose far end
/// lies in that table. Files travel by SCM_RIGHTS and arrive in the order in which they were sent.
/// A file that is in the socket is open.
///
/// Ownership: both ends of the socket. Blocking: no function waits. Threads: each function says in
/// which table it is to be called; those of the program's table are for one thread at a time, and
/// so is receive().
class PrivateTable {
public:
    PrivateTable() noexcept = default;
    ~PrivateTable() { close_in_program(); }
    PrivateTable(const PrivateTable&) = delete;
    PrivateTable& operator=(const PrivateTable&) = delete;

    // In the program's table.

    /// Makes the socket anew; 0 or an errno. Both ends get high numbers, so that the program's
    /// lowest free descriptor stays what it was.
    int open() noexcept;
    /// The far end lies in the private table by now, and is not needed here.
    void close_far_end() noexcept;
    /// Also in a forked child, which has copies: closes what is open here and nothing else.
    void close_in_program() noexcept;
    /// Sends `file`, and with it an address that tells what it is; 0 or an errno. EAGAIN when the
    /// socket is full, ETOOMANYREFS when a user without privileges has too many files in sockets.
    int send(void* subject, int file) noexcept;

    // In the private table.

    /// In the thread whose table it is to be: leaves the program's table, and keeps nothing of it
    /// but the far end and `kept` (negative for none). False when the kernel forbids that; then the
    /// table stays shared.
    bool leave_program_table(std::array<int, 2> kept) noexcept;
    struct Received {
        void* subject = nullptr;
        int file = -1; // negative when the table had no room for it
    };
    /// False when nothing is there.
    bool receive(Received& received) noexcept;
    /// Receives nothing any more.
    void close_in_table() noexcept;

    /// Calls on numbers of the private table, as system calls by number: a sanitizer that watches
    /// the C library's functions takes all numbers for those of one table.
    static void close(int fd) noexcept;
    /// Registers `fd` with `epoll`, or changes what it is registered for; 0 or an errno.
    static int watch(int epoll, int fd, std::uint32_t events, std::uint64_t data) noexcept;
    static void unwatch(int epoll, int fd) noexcept;

private:
    int near_end_ = -1;
    int far_end_ = -1;          // in the program's table, until it is closed there
    int far_end_in_table_ = -1; // the same number
};

} // namespace posix
AIOXX_NAMESPACE_END
