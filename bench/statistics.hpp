// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <vector>

namespace bench {

/// The value below which `share` (0 to 1) of `values` lie, between two of them where it falls
/// there; 0 of none.
double quantile(std::vector<double> values, double share);

inline double median(std::vector<double> values) {
    return quantile(std::move(values), 0.5);
}

} // namespace bench
