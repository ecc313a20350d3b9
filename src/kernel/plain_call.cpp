// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The part of the seam that is the same on both backends.
#include "kernel/plain_call.hpp"

#include "kernel/kernel.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/syscall.h>

AIOXX_NAMESPACE_BEGIN
namespace kernel {

std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count, std::int64_t at,
                      int flags) noexcept {
    const ssize_t bytes =
        positional_call(write ? SYS_pwritev2 : SYS_preadv2, fd, parts, count, at, flags);
    return bytes < 0 ? -errno : bytes;
}

std::int64_t flush(bool data_only, int fd) noexcept {
    return ::syscall(data_only ? SYS_fdatasync : SYS_fsync, fd) < 0 ? -errno : 0;
}

void will_need(int fd, std::int64_t offset, std::size_t length) noexcept {
    ::posix_fadvise(fd, static_cast<off_t>(offset), static_cast<off_t>(length),
                    POSIX_FADV_WILLNEED);
}

} // namespace kernel
AIOXX_NAMESPACE_END
