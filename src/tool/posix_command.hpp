// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <string>
#include <vector>

namespace tool {

/// Of `words`, a command line: the program that `aioxx posix` is to run, and its arguments, which
/// are not the parser's. Leaves the program's name behind; what follows it goes.
std::vector<std::string> separate_program(std::vector<std::string>& words);

/// Becomes the program of `words`, with the drop-in in front of the C library; `stats`: runs it,
/// and counts. Returns only by a Failure.
void run_posix(std::vector<std::string> words, bool stats);

} // namespace tool
