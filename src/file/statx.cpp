// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "file/statx.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN

bool statx(int fd, Statx& status) noexcept {
    return ::syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                     Statx::type | Statx::dioalign, &status) == 0;
}

AIOXX_NAMESPACE_END
