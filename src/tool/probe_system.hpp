// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/probe_report.hpp"

namespace tool {

/// What does not depend on a path. Call it before there are contexts of one's own, and threads.
SystemReport look_at_system();

/// Reads the mappings of all processes that this user may look into.
ContextHolders find_context_holders();

/// Makes an io_uring, in a child process: there are filters that kill a process that tries.
IoUringReport try_io_uring();

} // namespace tool
