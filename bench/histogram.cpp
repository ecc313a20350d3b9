// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/histogram.hpp"

#include <bit>
#include <cmath>
#include <cstddef>

namespace bench {

unsigned Histogram::bucket(std::uint64_t value) noexcept {
    if (value < steps) {
        return static_cast<unsigned>(value);
    }
    const auto power = static_cast<unsigned>(std::bit_width(value)) - std::bit_width(steps);
    return power * steps + static_cast<unsigned>(value >> power); // the second term: 32 to 63
}

double Histogram::upper_end(unsigned bucket) noexcept {
    if (bucket < steps) {
        return bucket;
    }
    const unsigned power = bucket / steps - 1;
    return std::ldexp(bucket % steps + steps + 1.0, static_cast<int>(power)) - 1;
}

void Histogram::merge(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        buckets_[i] += other.buckets_[i];
    }
    count_ += other.count_;
}

double Histogram::quantile(double share) const noexcept {
    const double wanted = share * static_cast<double>(count_);
    std::uint64_t seen = 0;
    for (unsigned i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen != 0 && static_cast<double>(seen) >= wanted) {
            return upper_end(i);
        }
    }
    return 0;
}

} // namespace bench
