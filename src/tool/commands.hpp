// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace tool {

// Each adds one subcommand to `app`; parsing then runs it.
void add_copy(CLI::App& app);
void add_probe(CLI::App& app);
/// `program`: what separate_program() has found.
void add_posix(CLI::App& app, const std::vector<std::string>& program);

/// Of `words`, a command line: the program that `aioxx posix` is to run, and its arguments, which
/// are not the parser's. Leaves the program's name behind; what follows it goes.
std::vector<std::string> separate_program(std::vector<std::string>& words);

} // namespace tool
