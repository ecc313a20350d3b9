// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/options.hpp"
#include "bench/rounds.hpp"

#include <string>
#include <vector>

namespace bench {

/// A target that this machine or this user cannot have.
struct SkippedTarget {
    std::string name;
    std::string reason;
};

void print_machine(const Options& options);
void print_cell(const Cell& cell);
/// To options.json.
void write_json(const std::vector<Cell>& cells, const std::vector<SkippedTarget>& skipped,
                const Options& options);

} // namespace bench
