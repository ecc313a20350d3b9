// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/run_counts.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// For `aioxx posix --stats`. With the CriticalSection held.
struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t at_once = 0;
    std::uint64_t direct = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t deepest = 0;

    void add_request(std::size_t in_progress) noexcept {
        ++requests;
        deepest = std::max<std::uint64_t>(deepest, in_progress);
    }
};

} // namespace posix
AIOXX_NAMESPACE_END
