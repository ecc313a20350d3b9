// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/known_files.hpp"

#include "file/statx.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Not by fstat: who asks for the times of a file makes its next write change them, and the inode
/// dirty with every single one (multigrain timestamps, Linux 6.13).
bool KnownFiles::Identity::learn(int fd) noexcept {
    flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) {
        return false;
    }
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

engine::FileState* KnownFiles::find(engine::Engine& engine, int fd, int& error) {
    Identity identity;
    if (!identity.learn(fd)) {
        error = EBADF;
        return nullptr;
    }
    Known& known = known_[fd];
    const bool is_new = identity.is_anonymous() && !anonymous_.is_the_same(fd);
    if (known.state != nullptr && known.identity == identity && !is_new) {
        return known.state;
    }
    known.state = nullptr;
    std::error_code failure;
    known.file = File::borrow(fd, failure); // the engine keeps what it needs of the one before
    if (failure) {
        error = failure.value();
        return nullptr;
    }
    engine::FileState& state = engine.state_of(known.file);
    if (state.stream && known.file.is_nonblocking()) {
        // The program wants EAGAIN, not to wait.
        state.stream = false;
        state.in_memory = true;
    }
    known.state = &state;
    known.identity = identity;
    return &state;
}

} // namespace posix
AIOXX_NAMESPACE_END
