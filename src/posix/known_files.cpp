// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/known_files.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

engine::FileState* KnownFiles::find(engine::Engine& engine, int fd, int& error) {
    struct stat status {};
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fstat(fd, &status) != 0) {
        error = EBADF;
        return nullptr;
    }
    Known& known = known_[fd];
    if (known.state != nullptr && known.inode == status.st_ino && known.device == status.st_dev &&
        known.flags == flags) {
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
    known.device = status.st_dev;
    known.inode = status.st_ino;
    known.flags = flags;
    return &state;
}

} // namespace posix
AIOXX_NAMESPACE_END
