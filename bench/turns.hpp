// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// For what is measured in turns with what it is compared with, in one process.

#include <vector>

namespace bench {

/// Of this process and all its threads until now, in seconds.
double processor_time();

/// What one turn has seen.
struct Turn {
    double rate = 0;      // a second
    double processor = 0; // seconds for each
};

/// Turns, each divided by the one of the reference beside it.
class Ratios {
public:
    void add(const Turn& turn, const Turn& reference);
    /// One line. `unit`: what is counted.
    void print(const char* name, const char* reference, const char* unit) const;

private:
    std::vector<double> rate_;
    std::vector<double> processor_;
};

} // namespace bench
