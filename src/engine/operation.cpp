// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/operation.hpp"

#include "engine/file_state.hpp"
#include "engine/positional_call.hpp"

#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace engine {

std::size_t Operation::remaining_in_vector() const noexcept {
    std::size_t bytes = 0;
    for (const iovec& part : std::span{vector, length}) {
        bytes += part.iov_len;
    }
    return bytes;
}

void Operation::advance_vector(std::size_t bytes) noexcept {
    while (bytes > 0 && length > 0) {
        const std::size_t part = bytes < vector->iov_len ? bytes : vector->iov_len;
        vector->iov_base = static_cast<std::byte*>(vector->iov_base) + part;
        vector->iov_len -= part;
        bytes -= part;
        if (vector->iov_len == 0) {
            ++vector;
            --length;
        }
    }
}

void Operation::prepare(int fd, int event_fd) noexcept {
    const std::int64_t from = offset + static_cast<std::int64_t>(done);
    switch (kind) {
    case Kind::read:
        iocb.prepare_read(fd, {base + done, length - done}, from);
        break;
    case Kind::write:
        iocb.prepare_write(fd, {base + done, length - done}, from);
        break;
    case Kind::readv:
        iocb.prepare_readv(fd, {vector, length}, from);
        break;
    case Kind::writev:
        iocb.prepare_writev(fd, {vector, length}, from);
        break;
    case Kind::fsync:
        iocb.prepare_fsync(fd);
        break;
    case Kind::fdatasync:
        iocb.prepare_fdatasync(fd);
        break;
    case Kind::poll:
    case Kind::none:
        iocb.prepare_poll(fd, poll_events);
        break;
    }
    if (is_transfer()) {
        iocb.set_rw_flags(route == Route::nowait ? flags | RwFlags::nowait : flags);
    }
    if (prioritised) {
        iocb.set_priority(priority);
    }
    if (event_fd >= 0) {
        iocb.set_event_fd(event_fd);
    }
    iocb.set_data(this);
}

std::int64_t Operation::call(int fd) noexcept {
    iovec one{base + done, length - done};
    const iovec* const parts = vector != nullptr ? vector : &one;
    const std::size_t count = vector != nullptr ? length : 1;
    // What cannot seek is read at its position, which is what -1 means.
    if (!file->stream && offset < 0) {
        return -EINVAL;
    }
    std::int64_t at = file->stream ? -1 : offset + static_cast<std::int64_t>(done);
    const auto asked = static_cast<int>(flags); // the kernel knows more of them than the C library
    ssize_t transferred = 0;
    do {
        transferred =
            positional_call(is_read() ? SYS_preadv2 : SYS_pwritev2, fd, parts, count, at, asked);
        if (transferred < 0 && errno == ESPIPE && at >= 0) {
            at = -1; // a file of /proc that is written as a whole, wherever
            errno = EINTR;
        }
    } while (transferred < 0 && errno == EINTR);
    return transferred < 0 ? -errno : transferred;
}

} // namespace engine
AIOXX_NAMESPACE_END
