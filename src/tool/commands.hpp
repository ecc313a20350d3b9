// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <CLI/App.hpp>

namespace tool {

// Each adds one subcommand to `app`; parsing then runs it.
void add_copy(CLI::App& app);
void add_probe(CLI::App& app);

} // namespace tool
