// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <string>

#include <sys/stat.h>

namespace tool {

struct CopyOptions;

/// What can be known of a target's name before anything is copied. Throws a Failure where the copy
/// could not get that name in the end: it stands for no file that may be written, for the source
/// itself, or for something that cannot be replaced. `source_name` and `source` are the source's.
void check_target(const CopyOptions& options, const std::string& name,
                  const std::string& source_name, const struct stat& source);

/// The path that the copy is to have: a symbolic link is followed, as cp does.
[[nodiscard]] std::string resolve_target(const std::string& name);

void require_regular_file(const std::string& name, const struct stat& status);

[[nodiscard]] bool is_directory(const std::string& name) noexcept;

} // namespace tool
