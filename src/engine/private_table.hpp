// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <type_traits>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// The way into a descriptor table that one group of threads has for itself: a socket whose far
/// end lies in that table. Files travel by SCM_RIGHTS, and arrive in the order they were sent.
class PrivateTable {
public:
    /// What is sent with a file, or without one. As it is: there is no padding, which would go out
    /// uninitialised.
    struct [[gnu::packed, gnu::aligned(alignof(void*))]] Message {
        enum class Kind : int { file, close, work, epoll, watch } kind;

        // Of `watch`: what to be told of, and the registration's own data.
        std::uint32_t events = 0;
        std::uint64_t data = 0;

        void* subject = nullptr; // of `file`, `close` and `watch`: the pin
    };
    static_assert(std::has_unique_object_representations_v<Message>);

    PrivateTable() noexcept = default;
    ~PrivateTable() { close_outside(); }
    PrivateTable(const PrivateTable&) = delete;
    PrivateTable& operator=(const PrivateTable&) = delete;

    /// Makes the socket, of which receive() waits for `limit` at the most; 0 or an errno. Both ends
    /// get high numbers, so that the program's lowest free descriptor stays what it was.
    int open(std::chrono::nanoseconds limit) noexcept;

    /// In the thread whose table it is to be: leaves the program's table, and keeps nothing of it
    /// but the socket and `kept`. False when the kernel forbids that; then the table stays shared.
    bool leave_shared_table(std::array<int, 2> kept) noexcept;
    /// Ends the far end's receive(), whatever copies forked children have of this one.
    void close_outside() noexcept;

    /// In such a child: closes its copy, and nothing but that.
    void close_inherited() noexcept;

    /// Sends a message, with `file` unless it is negative; 0 or an errno. Async-signal-safe.
    int send(const Message& message, int file) noexcept;

    enum class Received { message, nothing, too_late, ended };
    /// In the private table: waits for a message. `file` is the number of what came with it, -1
    /// when it was lost on the way. By any number of threads: each message wakes one.
    Received receive(Message& message, int& file) noexcept;
    /// In each table that has it: in the private one, and, once that is there, in the program's.
    void close_inside() noexcept;

    /// Calls on numbers of the private table, as system calls by number: a sanitizer that watches
    /// the C library's functions takes all numbers for those of one table.
    static void close(int fd) noexcept;
    static void signal(int event_fd) noexcept;
    /// Registers `fd` with `epoll`, or changes what it is registered for; 0 or an errno.
    static int watch(int epoll, int fd, std::uint32_t events, std::uint64_t data) noexcept;
    static void unwatch(int epoll, int fd) noexcept;

private:
    int outside_ = -1;
    int inside_ = -1;
};

} // namespace engine
AIOXX_NAMESPACE_END
