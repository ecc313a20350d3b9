// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/open_file.hpp"

#include <cstddef>
#include <string>

namespace tool {

struct CopyOptions {
    std::string source;
    std::string target;
    unsigned depth = 32;
    std::size_t block_size = 256 << 10;
    DirectMode direct = DirectMode::automatic;
    bool verify = false;
    bool quiet = false;
};

/// Copies a file. Throws a Failure, and has then left no trace.
void copy(const CopyOptions& options);

} // namespace tool
