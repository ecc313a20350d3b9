// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/options.hpp"

namespace bench {

// Where a worker finds what it inherits: out of the way of all that a library may open.
inline constexpr int worker_target_fd = 198;
inline constexpr int worker_channel_fd = 199;

/// Makes the engine that options.worker names and does what comes through the channel, until that
/// is closed. The program's exit status.
int work_for_another(const Options& options);

} // namespace bench
