// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>

#include <cstdint>
#include <system_error>

AIOXX_NAMESPACE_BEGIN

/// The system-wide account of kernel AIO, shared by all processes and users, those in containers
/// too.
///
///     const aioxx::Limits now = aioxx::limits();
///     const bool has_room = now.allowed - now.used >= 1024;
struct Limits {
    std::uint64_t used = 0;    ///< fs.aio-nr: the sum of the queue depths of all contexts.
    std::uint64_t allowed = 0; ///< fs.aio-max-nr: what that sum may reach.
};

/// Reads both from /proc/sys/fs. Stale at once: other programs make and close contexts meanwhile.
/// Fails with the error of open(2) where /proc is not mounted.
[[nodiscard]] AIOXX_API Limits limits(std::error_code& error) noexcept;

[[nodiscard]] inline Limits limits() {
    std::error_code error = no_error();
    const Limits now = limits(error);
    if (error) {
        detail::throw_error(error, "limits");
    }
    return now;
}

AIOXX_NAMESPACE_END
