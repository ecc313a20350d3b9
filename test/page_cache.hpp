// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "eventually.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace aioxx::test {

/// Writes `fd`'s file to the disk and drops it from the page cache; false when it does not go.
/// Pages that are in use in the kernel at the moment stay at first, and one folio may be all of
/// them.
inline bool forget_cached(int fd) {
    const auto size = static_cast<std::size_t>(::lseek(fd, 0, SEEK_END));
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    ::fsync(fd); // ENOSYS here and there
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        return false;
    }
    std::vector<unsigned char> pages((size + page - 1) / page);
    const bool forgotten = eventually([&] {
        return ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 &&
               ::mincore(mapped, size, pages.data()) == 0 &&
               std::ranges::none_of(pages, [](unsigned char one) { return (one & 1U) != 0; });
    });
    ::munmap(mapped, size);
    return forgotten;
}

} // namespace aioxx::test
