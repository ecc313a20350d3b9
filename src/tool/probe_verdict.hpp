// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/probe_report.hpp"

namespace tool {

/// By fractions, and not by times: so it holds on a busy machine as well.
Verdict verdict_of(const AccessReport& measured) noexcept;

/// What the queue would do, with its default options, on a file where the access was so measured;
/// `in_memory`: File::is_in_memory().
QueueRoute route_of(const AccessReport& measured, bool in_memory) noexcept;

} // namespace tool
