// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>

#include <cstdint>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN

/// An eventfd(2): the descriptor through which completions wake an epoll, poll or select loop.
///
/// Each completed operation that was given it (Iocb::set_event_fd) adds 1 to its counter, after the
/// event can be reaped.
///
/// **Ownership.** It owns its descriptor; a moved-from one has none (-1), and every call on it
/// fails with EBADF.
///
/// **Threads.** Calls may be made from any thread, at a time.
///
/// **Errors.** Those of eventfd(2), read(2) and write(2), in two forms: one sets a std::error_code,
/// the other throws std::system_error.
///
///     aioxx::EventFd ready;
///     read.set_event_fd(ready.fd());
///     context.submit(read);
///     pollfd wake{ready.fd(), POLLIN, 0};
///     ::poll(&wake, 1, -1);
///     ready.read(); // first: what comes while they are reaped counts anew
///     while (context.reap(events) > 0) { ... }
class EventFd {
public:
    /// What read() does.
    enum class Mode : int {
        blocking,             ///< read() waits for the counter to leave 0.
        nonblocking,          ///< read() fails with EAGAIN instead.
        semaphore,            ///< As `blocking`, and read() takes 1 at a time.
        nonblocking_semaphore ///< As `nonblocking`, and read() takes 1 at a time.
    };

    /// Makes one with a counter of `initial`, close-on-exec. Throws where the process or the system
    /// is out of descriptors (EMFILE, ENFILE).
    explicit EventFd(Mode mode = Mode::nonblocking, unsigned initial = 0) {
        std::error_code error = no_error();
        fd_ = open(mode, initial, error);
        if (error) {
            detail::throw_error(error, "eventfd");
        }
    }
    EventFd(Mode mode, unsigned initial, std::error_code& error) noexcept
        : fd_(open(mode, initial, error)) {}

    /// Takes `fd` over, which is an eventfd, or -1.
    [[nodiscard]] static EventFd adopt(int fd) noexcept { return EventFd{Adopted{fd}}; }

    /// Takes the descriptor over.
    EventFd(EventFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    /// Takes the descriptor over; the one that was here is closed.
    EventFd& operator=(EventFd&& other) noexcept {
        if (this != &other) {
            close(fd_);
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    /// Closes the descriptor. Operations in flight keep the eventfd itself.
    ~EventFd() { close(fd_); }

    /// The descriptor, for Iocb::set_event_fd() and for poll(2); it stays this object's.
    [[nodiscard]] int fd() const noexcept { return fd_; }

    /// Takes the counter, or 1 from it for a semaphore. Blocks while it is 0, but in a nonblocking
    /// mode, which fails with EAGAIN. EINTR is surfaced.
    AIOXX_API std::uint64_t read(std::error_code& error) noexcept;
    std::uint64_t read() {
        std::error_code error = no_error();
        const std::uint64_t count = read(error);
        if (error) {
            detail::throw_error(error, "read from eventfd");
        }
        return count;
    }

    /// Adds `count` to the counter, as a completion adds 1. EAGAIN, or a wait in the blocking
    /// modes, where the counter would pass 2^64 - 2. Async-signal-safe with a std::error_code.
    AIOXX_API void signal(std::uint64_t count, std::error_code& error) noexcept;
    void signal(std::uint64_t count = 1) {
        std::error_code error = no_error();
        signal(count, error);
        if (error) {
            detail::throw_error(error, "write to eventfd");
        }
    }

private:
    struct Adopted {
        int fd;
    };
    explicit EventFd(Adopted adopted) noexcept : fd_(adopted.fd) {}

    AIOXX_API static int open(Mode mode, unsigned initial, std::error_code& error) noexcept;
    AIOXX_API static void close(int fd) noexcept;

    int fd_ = -1;
};

AIOXX_NAMESPACE_END
