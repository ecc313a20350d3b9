// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/statistics.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// For `aioxx posix --stats`. With the CriticalSection held.
struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t at_once = 0;   // done when the call returned
    std::uint64_t direct = 0;    // in the kernel when the call returned
    std::uint64_t cancelled = 0; // by aio_cancel
    std::uint64_t deepest = 0;   // most in progress at a time

    void add_request(std::size_t in_progress) noexcept {
        ++requests;
        deepest = std::max<std::uint64_t>(deepest, in_progress);
    }
};

/// Prints one line to standard error. `cached_reads`: those that were done without a request.
void print(const Counts& counts, std::uint64_t cached_reads, const engine::Statistics& engine,
           const char* kernel_aio) noexcept;

} // namespace posix
AIOXX_NAMESPACE_END
