// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <array>
#include <cstdint>

namespace bench {

/// Latencies in nanoseconds, in buckets of a 32nd of their power of two: at most 3 % off, and
/// recording costs no memory.
class Histogram {
public:
    void record(std::uint64_t nanoseconds) noexcept {
        ++buckets_[bucket(nanoseconds)];
        ++count_;
    }
    void merge(const Histogram& other) noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// The value that `share` (0 to 1) of the recorded ones do not exceed.
    [[nodiscard]] double quantile(double share) const noexcept;

private:
    static constexpr unsigned steps = 32;

    static unsigned bucket(std::uint64_t value) noexcept;
    static double upper_end(unsigned bucket) noexcept;

    std::array<std::uint64_t, std::size_t{60} * steps> buckets_{};
    std::uint64_t count_ = 0;
};

} // namespace bench
