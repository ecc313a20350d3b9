// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/probe_report.hpp"

#include <string>

namespace tool {

/// Finds out what kernel and storage give for a file, a directory or a block device, in about two
/// seconds. Never writes to a file that it did not make, and leaves none behind. Throws a Failure
/// that names the path.
ProbeReport probe(const std::string& path);

/// For people: some thirty lines of at most a hundred columns, more where a path is long.
std::string as_text(const ProbeReport& report);
/// For programs: one object; aioxx(1) has its members.
std::string as_json(const ProbeReport& report);

} // namespace tool
