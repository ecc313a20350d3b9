// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/comparison.hpp"

#include <algorithm>
#include <cstddef>

namespace bench {

Comparison::Comparison(const Series& series, const Series& other) {
    const std::size_t rounds = std::min(series.samples.size(), other.samples.size());
    for (std::size_t i = 0; i < rounds; ++i) {
        const Sample& mine = series.samples[i];
        const Sample& theirs = other.samples[i];
        speed_ratios.push_back(theirs.wall_ns / mine.wall_ns);
        processor_ratios.push_back(mine.processor_ns / theirs.processor_ns);
        extra_ns.push_back(mine.wall_ns - theirs.wall_ns);
    }
}

std::vector<double> walls(const Series& series) {
    std::vector<double> values;
    for (const Sample& sample : series.samples) {
        values.push_back(sample.wall_ns);
    }
    return values;
}

std::vector<double> processors(const Series& series) {
    std::vector<double> values;
    for (const Sample& sample : series.samples) {
        values.push_back(sample.processor_ns);
    }
    return values;
}

} // namespace bench
