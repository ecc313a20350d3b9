// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/file_identity.hpp"

#include "file/statx.hpp"

#include <fcntl.h>
#include <sys/stat.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Not by fstat, which asks for the times as well: after that the next write gives the file new
/// times and dirties its inode (multigrain timestamps, Linux 6.13), and a check for each request
/// would make that every write.
bool FileIdentity::read_from(int fd) noexcept {
    flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && read_inode(fd);
}

bool FileIdentity::read_inode(int fd) noexcept {
    Statx status;
    if (statx_inode(fd, status)) {
        inode = status.inode;
        device = std::uint64_t{status.device_numbers[2]} << 32U | status.device_numbers[3];
        type = status.mode & S_IFMT;
        return true;
    }
    struct stat basic {}; // before Linux 4.11, or forbidden by an old seccomp profile
    if (::fstat(fd, &basic) != 0) {
        return false;
    }
    inode = basic.st_ino;
    device = basic.st_dev;
    type = basic.st_mode & S_IFMT;
    return true;
}

bool FileIdentity::has_inode_of(int fd) const noexcept {
    FileIdentity now;
    return now.read_inode(fd) && now.device == device && now.inode == inode;
}

} // namespace posix
AIOXX_NAMESPACE_END
