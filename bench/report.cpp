// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/report.hpp"

#include "bench/comparison.hpp"
#include "bench/machine.hpp"
#include "bench/statistics.hpp"

#include <cstdio>

namespace bench {
namespace {

void print_series(const Series& series, const Series& reference, bool timed) {
    if (!series.trouble.empty()) {
        std::printf("  %-17s %s: %s\n", series.name.c_str(), series.failed ? "FAILED" : "skipped",
                    series.trouble.c_str());
        return;
    }
    const Comparison comparison{series, reference};
    const std::vector<double>& ratios = comparison.speed_ratios;
    std::printf("  %-17s %9.0f %9.0f %+8.0f   %.3f (%.3f - %.3f)  %9.3f %7llu", series.name.c_str(),
                1e9 / median(walls(series)), median(processors(series)),
                median(comparison.extra_ns), median(ratios), quantile(ratios, 0.25),
                quantile(ratios, 0.75), median(comparison.processor_ratios),
                static_cast<unsigned long long>(series.allocations));
    if (timed) {
        if (series.calls_an_operation < 0) {
            std::printf(" %9s", "-");
        } else {
            std::printf(" %9.3f", series.calls_an_operation);
        }
        std::printf(" %9.2f %9.2f %9.2f", series.latencies.quantile(0.5) / 1e3,
                    series.latencies.quantile(0.99) / 1e3, series.latencies.quantile(0.999) / 1e3);
    }
    std::printf("\n");
}

} // namespace

void print_machine(const Options& options) {
    std::printf("%s, %u processors (%s); blocks of %zu bytes\n", kernel().c_str(), processors(),
                processor().c_str(), options.block_size);
}

void print_cell(const Cell& cell) {
    const Series& reference = cell.series.front();
    const bool timed = reference.latencies.count() != 0;
    std::printf("\n%s, depth %u (%zu rounds of 2 x %llu operations)\n", cell.target.c_str(),
                cell.depth, reference.samples.size(),
                static_cast<unsigned long long>(reference.slice_operations));
    std::printf("  %-17s %9s %9s %8s   %-22s %9s %7s", "engine", "ops/s", "cpu ns/op", "extra ns",
                "speed to c (50 %)", "cpu to c", "allocs");
    if (timed) {
        std::printf(" %9s %9s %9s %9s", "calls/op", "p50 us", "p99 us", "p99.9 us");
    }
    std::printf("\n");
    for (const Series& series : cell.series) {
        print_series(series, reference, timed);
    }
    std::fflush(stdout);
}

} // namespace bench
