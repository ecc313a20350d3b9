// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

AIOXX_NAMESPACE_BEGIN

/// How many workers all queues of the process may have together, beside the first of each queue:
/// 64 unless it was set. A queue has one where it needs one, whatever the limit is, unless
/// Queue::Options::workers is 0; what more workers would do waits for those that there are.
[[nodiscard]] AIOXX_API unsigned worker_limit() noexcept;
/// Those above a lower limit end when they have been idle (Queue::Options::worker_idle). Any
/// thread.
AIOXX_API void set_worker_limit(unsigned limit) noexcept;

AIOXX_NAMESPACE_END
