// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/cached_reads.hpp"

#include <aioxx/core/flags.hpp>

#include "kernel/plain_call.hpp"

#include <cerrno>

#include <fcntl.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

constexpr std::size_t most =
    std::size_t{1} << 20U; // larger reads are better copied by a worker, beside the program

ssize_t read_at(int fd, void* to, std::size_t length, std::int64_t offset, int flags) noexcept {
    const iovec one{to, length};
    return kernel::positional_call(SYS_preadv2, fd, &one, 1, offset, flags);
}

} // namespace

void CachedReads::describe(int fd, Kind kind, const FileIdentity& identity) noexcept {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= known_.size()) {
        return;
    }
    Known& known = known_[index];
    known.kind.store(Kind::other); // until the rest is there
    known.backoff.forget();
    known.flags.store(identity.flags);
    known.device.store(identity.device);
    known.inode.store(identity.inode);
    known.kind.store(kind);
}

ssize_t CachedReads::read(int fd, void* to, std::size_t length, std::int64_t offset) noexcept {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= known_.size() || length == 0 || length > most || offset < 0) {
        return -1;
    }
    Known& known = known_[index];
    const Kind kind = known.kind.load(std::memory_order_relaxed);
    if (kind == Kind::other || known.backoff.applies()) {
        return -1;
    }
    const int before = errno;
    ssize_t bytes = -1;
    bool whole = false;
    if (kind == Kind::in_memory) {
        bytes = known.is_still(fd) ? read_at(fd, to, length, offset, 0) : -1;
        whole = bytes >= 0;
    } else if (const int flags = ::fcntl(fd, F_GETFL); flags >= 0 && (flags & O_DIRECT) == 0) {
        // A short read may have ended at the end of the cached pages, or of the file.
        bytes = read_at(fd, to, length, offset, static_cast<int>(RwFlags::nowait));
        whole = bytes == 0 || bytes == static_cast<ssize_t>(length);
    }
    errno = before;
    if (!whole) {
        known.backoff.failed();
        return -1;
    }
    known.backoff.succeeded();
    count_->fetch_add(1, std::memory_order_relaxed);
    return bytes;
}

bool CachedReads::Known::is_still(int fd) const noexcept {
    FileIdentity now;
    return now.read_from(fd) && now.flags == flags.load(std::memory_order_relaxed) &&
           now.device == device.load(std::memory_order_relaxed) &&
           now.inode == inode.load(std::memory_order_relaxed);
}

} // namespace posix
AIOXX_NAMESPACE_END
