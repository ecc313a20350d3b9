// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/core/limits.hpp>

#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace {

std::uint64_t read_number(const char* path, std::error_code& error) noexcept {
    std::uint64_t number = 0;
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error.assign(errno, std::generic_category());
        return number;
    }
    char text[32];
    const ssize_t length = ::read(fd, text, sizeof(text));
    if (length < 0) {
        error.assign(errno, std::generic_category());
    } else if (std::from_chars(text, text + length, number).ec != std::errc{}) {
        error = std::make_error_code(std::errc::protocol_error);
    }
    ::close(fd);
    return number;
}

} // namespace

Limits limits(std::error_code& error) noexcept {
    error.clear();
    Limits now;
    now.used = read_number("/proc/sys/fs/aio-nr", error);
    if (!error) {
        now.allowed = read_number("/proc/sys/fs/aio-max-nr", error);
    }
    return now;
}

AIOXX_NAMESPACE_END
