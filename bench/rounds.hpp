// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/engine.hpp"
#include "bench/options.hpp"
#include "bench/targets/target.hpp"

#include <string>
#include <vector>

namespace bench {

/// One engine in one round, for each operation.
struct Sample {
    double wall_ns = 0;
    double processor_ns = 0; // of all threads of its process, in user space and in the kernel
};

struct Series {
    std::string name;
    std::string trouble;         // why there is nothing else; empty: all is well
    bool failed = false;         // with trouble: it is not merely missing here
    std::vector<Sample> samples; // one a round
    std::uint64_t slice_operations = 0;
    std::uint64_t operations = 0;
    std::uint64_t allocations = 0;  // while it ran, after setup
    double calls_an_operation = -1; // into the kernel; -1: not counted
    Histogram latencies;
};

/// A target at a depth. The first series is the C loop, the second the C loop once more.
struct Cell {
    std::string target;
    unsigned depth = 0;
    std::vector<Series> series;
};

inline constexpr const char* reference_engine = "c";

/// Runs the C loop, the C loop again and the engines of the options in turns. A round goes through
/// all of them forwards and then backwards, which takes out what drifts evenly (ABBA), and each
/// round starts with another engine. An engine that is missing or fails is left out from then on.
Cell measure(const std::string& target_name, const Target& target, unsigned depth,
             const Options& options);

/// Runs the engines once, in this process, and measures nothing.
void run_once(const Target& target, unsigned depth, const Options& options);

} // namespace bench
