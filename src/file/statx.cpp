// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "file/statx.hpp"

#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN

namespace {

bool ask(int fd, const char* path, std::uint32_t mask, Statx& status) noexcept {
    return ::syscall(SYS_statx, fd, path, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, &status) == 0;
}

} // namespace

bool statx(int fd, Statx& status) noexcept {
    return ask(fd, "", Statx::type | Statx::dioalign, status);
}

bool statx_inode(int fd, Statx& status) noexcept {
    static std::atomic<bool> takes_no_path{true}; // Linux 6.11; it spares a copy of the empty one
    constexpr std::uint32_t mask = Statx::type | Statx::inode_number;
    if (takes_no_path.load(std::memory_order_relaxed)) {
        if (ask(fd, nullptr, mask, status)) {
            return true;
        }
        if (errno != EFAULT) {
            return false;
        }
        takes_no_path.store(false, std::memory_order_relaxed);
    }
    return ask(fd, "", mask, status);
}

AIOXX_NAMESPACE_END
