// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "child.hpp"

#include <fcntl.h>

namespace aioxx::test {

/// Whether another process could not lock the first byte of `fd`'s file.
inline bool is_locked(int fd) {
    return run_in_child([fd] {
               struct flock lock {};
               lock.l_type = F_WRLCK;
               lock.l_whence = SEEK_SET;
               lock.l_len = 1;
               return ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0;
           }).status == 1;
}

} // namespace aioxx::test
