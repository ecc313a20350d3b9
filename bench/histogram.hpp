// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <gsl/gsl_histogram.h>

namespace bench {

/// Latencies in nanoseconds, in buckets of a 32nd of their power of two, up to 18 minutes: at most
/// 3 % off, and recording costs no memory.
class Histogram {
public:
    Histogram();

    void record(std::uint64_t nanoseconds) noexcept {
        gsl_histogram_increment(counts_.get(), static_cast<double>(nanoseconds));
    }
    void merge(const Histogram& other) noexcept;

    /// How many were recorded.
    [[nodiscard]] double count() const noexcept;
    /// The value that `share` (0 to less than 1) of the recorded ones do not exceed.
    [[nodiscard]] double quantile(double share) const;

    /// One number a bucket, for another process's histogram.
    [[nodiscard]] std::span<double> raw() noexcept { return {counts_->bin, counts_->n}; }
    void clear() noexcept { gsl_histogram_reset(counts_.get()); }

private:
    struct Free {
        void operator()(gsl_histogram* counts) const noexcept { gsl_histogram_free(counts); }
    };
    std::unique_ptr<gsl_histogram, Free> counts_;
};

} // namespace bench
