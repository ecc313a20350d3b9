// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstddef>
#include <cstdint>

#include <sys/uio.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace kernel {

/// `number`: SYS_preadv2 or SYS_pwritev2, by number because the C library's functions are
/// cancellation points. `at`: -1 for the file's own position. As they return.
inline ssize_t positional_call(long number, int fd, const iovec* parts, std::size_t count,
                               std::int64_t at, int flags) noexcept {
    const auto offset = static_cast<std::uint64_t>(at);
    constexpr unsigned half = sizeof(long) * 4; // of the kernel's long, twice: no shift too wide
    return ::syscall(number, fd, parts, static_cast<unsigned long>(count),
                     static_cast<unsigned long>(offset),
                     static_cast<unsigned long>(offset >> half >> half), flags);
}

} // namespace kernel
AIOXX_NAMESPACE_END
