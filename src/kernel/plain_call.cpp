// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The part of the seam that is the same on both backends.
#include "kernel/plain_call.hpp"

#include "kernel/kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <span>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

AIOXX_NAMESPACE_BEGIN
namespace kernel {

std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count, std::int64_t at,
                      int flags) noexcept {
    const ssize_t bytes =
        positional_call(write ? SYS_pwritev2 : SYS_preadv2, fd, parts, count, at, flags);
    return bytes < 0 ? -errno : bytes;
}

std::int64_t transfer_message(bool write, int fd, const iovec* parts, std::size_t count) noexcept {
    const std::span all{parts, count};
    if (std::ranges::all_of(all, [](const iovec& part) { return part.iov_len == 0; })) {
        return 0; // as preadv2 and pwritev2; a message of no bytes would be sent, or waited for
    }
    msghdr header{};
    header.msg_iov = const_cast<iovec*>(parts);
    header.msg_iovlen = count;
    // By number because the C library's functions are cancellation points.
    const long bytes = ::syscall(write ? SYS_sendmsg : SYS_recvmsg, fd, &header,
                                 MSG_DONTWAIT | (write ? MSG_NOSIGNAL : 0));
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
