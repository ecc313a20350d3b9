// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/attributes.hpp"
#include "tool/open_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tool {

enum class ReflinkMode : std::uint8_t { automatic, always, never };

struct CopyOptions {
    std::vector<std::string> sources;
    std::string target; // or the directory that the copies are to be in
    unsigned depth = 32;
    std::size_t block_size = 256 << 10;
    DirectMode direct = DirectMode::automatic;
    ReflinkMode reflink = ReflinkMode::automatic;
    Preserve preserve{};
    bool in_place = false;
    bool verify = false;
    bool quiet = false;
};

/// Copies files. Where there is one, it throws a Failure, and has then left no trace. Of several
/// those that fail are told of, one line each; false then.
bool copy(const CopyOptions& options);

} // namespace tool
