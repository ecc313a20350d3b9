// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/histogram.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

namespace bench {

Histogram::Histogram() {
    constexpr int first_power = 4; // 16 ns: no operation is faster
    constexpr int last_power = 40;
    constexpr int steps = 32;
    std::vector<double> ends{0};
    for (int i = first_power * steps; i <= last_power * steps; ++i) {
        ends.push_back(std::exp2(static_cast<double>(i) / steps));
    }
    counts_.reset(gsl_histogram_alloc(ends.size() - 1));
    gsl_histogram_set_ranges(counts_.get(), ends.data(), ends.size());
}

void Histogram::merge(const Histogram& other) noexcept {
    gsl_histogram_add(counts_.get(), other.counts_.get());
}

double Histogram::count() const noexcept {
    return gsl_histogram_sum(counts_.get());
}

double Histogram::quantile(double share) const {
    if (count() == 0) {
        return 0;
    }
    gsl_histogram_pdf* const shares = gsl_histogram_pdf_alloc(counts_->n);
    gsl_histogram_pdf_init(shares, counts_.get());
    const double value = gsl_histogram_pdf_sample(shares, share);
    gsl_histogram_pdf_free(shares);
    return value;
}

} // namespace bench
