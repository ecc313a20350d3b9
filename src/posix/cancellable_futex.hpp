// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>
#include <ctime>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// FUTEX_WAIT, as a cancellation point; 0 or an errno. `limit`: the time to wait, null for no
/// limit.
int cancellable_futex_wait(std::uint32_t* word, std::uint32_t value, const timespec* limit);

} // namespace posix
AIOXX_NAMESPACE_END
