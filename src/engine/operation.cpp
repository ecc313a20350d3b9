// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/operation.hpp"

#include <span>

AIOXX_NAMESPACE_BEGIN
namespace engine {

std::size_t Operation::remaining_in_vector() const noexcept {
    std::size_t bytes = 0;
    for (const iovec& part : std::span{static_cast<const iovec*>(request.data), request.length}) {
        bytes += part.iov_len;
    }
    return bytes;
}

void Operation::advance_vector(std::size_t bytes) noexcept {
    auto* part = static_cast<iovec*>(request.data);
    while (bytes > 0 && request.length > 0) {
        const std::size_t taken = bytes < part->iov_len ? bytes : part->iov_len;
        part->iov_base = static_cast<std::byte*>(part->iov_base) + taken;
        part->iov_len -= taken;
        bytes -= taken;
        if (part->iov_len == 0) {
            ++part;
            --request.length;
        }
    }
    request.data = part;
}

void Operation::prepare(int fd, int event_fd) noexcept {
    if (request.kind == Kind::read) [[likely]] {
        auto* const bytes = static_cast<std::byte*>(request.data);
        iocb.prepare_read(fd, {bytes + done, request.length - done}, current_offset());
    } else {
        prepare_other(fd);
    }
    if (is_transfer() && (way != Way::submit || request.flags != RwFlags::none)) {
        iocb.set_rw_flags(flags());
    }
    if (request.prioritised) {
        iocb.set_priority(request.priority);
    }
    if (event_fd >= 0) {
        iocb.set_event_fd(event_fd);
    }
    iocb.set_data(this);
}

/// The part that depends on the kind.
void Operation::prepare_other(int fd) noexcept {
    const auto* const bytes = static_cast<const std::byte*>(request.data);
    const auto* const parts = static_cast<const iovec*>(request.data);
    switch (request.kind) {
    case Kind::write:
        iocb.prepare_write(fd, {bytes + done, request.length - done}, current_offset());
        break;
    case Kind::readv:
        iocb.prepare_readv(fd, {parts, request.length}, current_offset());
        break;
    case Kind::writev:
        iocb.prepare_writev(fd, {parts, request.length}, current_offset());
        break;
    case Kind::fsync:
        iocb.prepare_fsync(fd);
        break;
    case Kind::fdatasync:
        iocb.prepare_fdatasync(fd);
        break;
    case Kind::read:      // above
    case Kind::fallocate: // the kernel has no such requests
    case Kind::ftruncate:
    case Kind::open:
    case Kind::poll:
    case Kind::sleep:
    case Kind::capacity:
    case Kind::quarantine:
    case Kind::condition:
    case Kind::yield:
    case Kind::buffer:
    case Kind::none:
        iocb.prepare_poll(fd, request.bits);
        break;
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
