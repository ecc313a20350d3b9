// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/core/event_fd.hpp>

#include <cerrno>

#include <sys/eventfd.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace {

int eventfd_flags(EventFd::Mode mode) noexcept {
    switch (mode) {
    case EventFd::Mode::blocking:
        return EFD_CLOEXEC;
    case EventFd::Mode::nonblocking:
        return EFD_CLOEXEC | EFD_NONBLOCK;
    case EventFd::Mode::semaphore:
        return EFD_CLOEXEC | EFD_SEMAPHORE;
    case EventFd::Mode::nonblocking_semaphore:
        return EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK;
    }
    return EFD_CLOEXEC;
}

void report(bool failed, std::error_code& error) noexcept {
    const int number = failed ? errno : 0;
    error.assign(number, std::generic_category());
}

} // namespace

int EventFd::open(Mode mode, unsigned initial, std::error_code& error) noexcept {
    const int fd = ::eventfd(initial, eventfd_flags(mode));
    report(fd < 0, error);
    return fd;
}

void EventFd::close(int fd) noexcept {
    if (fd >= 0) {
        ::close(fd);
    }
}

std::uint64_t EventFd::read(std::error_code& error) noexcept {
    std::uint64_t count = 0;
    report(::read(fd_, &count, sizeof(count)) < 0, error);
    return count;
}

void EventFd::signal(std::uint64_t count, std::error_code& error) noexcept {
    report(::write(fd_, &count, sizeof(count)) < 0, error);
}

AIOXX_NAMESPACE_END
