// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/options.hpp"
#include "bench/rounds.hpp"

#include <vector>

namespace bench {

void print_machine(const Options& options);
void print_cell(const Cell& cell);
void write_json(const std::vector<Cell>& cells, const Options& options);

} // namespace bench
