// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstdint>

namespace bench {

/// How many blocks of memory the process has asked malloc and its kin for, operator new included.
std::uint64_t allocations() noexcept;

} // namespace bench
