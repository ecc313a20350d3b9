// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/turns.hpp"

#include "bench/statistics.hpp"

#include <cstdio>

#include <sys/resource.h>

namespace bench {

double processor_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Ratios::add(const Turn& turn, const Turn& reference) {
    rate_.push_back(turn.rate / reference.rate);
    processor_.push_back(turn.processor / reference.processor);
}

void Ratios::print(const char* name, const char* reference, const char* unit) const {
    std::printf("%-8s to %s: rate %.3f (%.3f to %.3f), processor time a %s %.3f\n", name, reference,
                median(rate_), quantile(rate_, 0.25), quantile(rate_, 0.75), unit,
                median(processor_));
}

} // namespace bench
