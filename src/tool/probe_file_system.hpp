// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/probe_report.hpp"

#include <string>

namespace tool {

/// The kernel's number of the mount that a file was opened on; empty without /proc.
std::string mount_of(int fd);

/// What /proc/self/mountinfo says of that mount; without, the file system's magic number.
FileSystemReport file_system_of(int fd);

} // namespace tool
