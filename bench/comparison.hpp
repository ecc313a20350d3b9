// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/rounds.hpp"

#include <vector>

namespace bench {

/// One engine against another one, round by round.
struct Comparison {
    std::vector<double> speed_ratios; // above 1: faster than the other
    std::vector<double> processor_ratios;
    std::vector<double> extra_ns;

    Comparison(const Series& series, const Series& other);
};

/// Of each round.
std::vector<double> walls(const Series& series);
std::vector<double> processors(const Series& series);

} // namespace bench
