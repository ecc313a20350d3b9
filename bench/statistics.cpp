// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/statistics.hpp"

#include <algorithm>

#include <gsl/gsl_statistics_double.h>

namespace bench {

double quantile(std::vector<double> values, double share) {
    if (values.empty()) {
        return 0;
    }
    std::sort(values.begin(), values.end());
    return gsl_stats_quantile_from_sorted_data(values.data(), 1, values.size(), share);
}

} // namespace bench
