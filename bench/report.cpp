// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/report.hpp"

#include "bench/statistics.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <sys/utsname.h>

namespace bench {
namespace {

std::vector<double> walls(const Series& series) {
    std::vector<double> values;
    for (const Sample& sample : series.samples) {
        values.push_back(sample.wall_ns);
    }
    return values;
}

std::vector<double> processors(const Series& series) {
    std::vector<double> values;
    for (const Sample& sample : series.samples) {
        values.push_back(sample.processor_ns);
    }
    return values;
}

/// Against the C loop, round by round.
struct Comparison {
    std::vector<double> speed_ratios; // above 1: faster than the C loop
    std::vector<double> processor_ratios;
    std::vector<double> extra_ns;

    Comparison(const Series& reference, const Series& series) {
        for (std::size_t i = 0; i < series.samples.size(); ++i) {
            const Sample& mine = series.samples[i];
            const Sample& other = reference.samples[i];
            speed_ratios.push_back(other.wall_ns / mine.wall_ns);
            processor_ratios.push_back(mine.processor_ns / other.processor_ns);
            extra_ns.push_back(mine.wall_ns - other.wall_ns);
        }
    }
};

nlohmann::json spread(const std::vector<double>& values) {
    return {{"median", median(values)},
            {"p05", quantile(values, 0.05)},
            {"p25", quantile(values, 0.25)},
            {"p75", quantile(values, 0.75)},
            {"p95", quantile(values, 0.95)}};
}

nlohmann::json describe(const Series& series, const Series& reference) {
    const Comparison comparison{reference, series};
    nlohmann::json json{
        {"engine", series.name},
        {"rounds", series.samples.size()},
        {"operations", series.operations},
        {"allocations", series.allocations},
        {"wall_ns", spread(walls(series))},
        {"processor_ns", spread(processors(series))},
        {"speed_ratio", spread(comparison.speed_ratios)},
        {"processor_ratio", spread(comparison.processor_ratios)},
        {"extra_ns", spread(comparison.extra_ns)},
    };
    if (series.latencies.count() != 0) {
        json["latency_ns"] = {{"p50", series.latencies.quantile(0.5)},
                              {"p99", series.latencies.quantile(0.99)},
                              {"p999", series.latencies.quantile(0.999)}};
    }
    return json;
}

std::string kernel() {
    utsname name{};
    uname(&name);
    return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

} // namespace

void print_machine(const Options& options) {
    std::printf("%s, %u processors; blocks of %zu bytes\n", kernel().c_str(),
                std::thread::hardware_concurrency(), options.block_size);
}

void print_cell(const Cell& cell) {
    const Series& reference = cell.series.front();
    std::printf("\n%s, depth %u (%zu rounds of 2 x %llu operations)\n", cell.target.c_str(),
                cell.depth, reference.samples.size(),
                static_cast<unsigned long long>(cell.slice_operations));
    std::printf("  %-17s %9s %9s %8s   %-22s %9s %7s", "engine", "ns/op", "cpu ns/op", "extra ns",
                "speed to c (50 %)", "cpu to c", "allocs");
    const bool timed = reference.latencies.count() != 0;
    std::printf(timed ? " %9s %9s %9s\n" : "\n", "p50 us", "p99 us", "p99.9 us");
    for (const Series& series : cell.series) {
        const Comparison comparison{reference, series};
        const std::vector<double>& ratios = comparison.speed_ratios;
        std::printf("  %-17s %9.1f %9.1f %+8.1f   %.3f (%.3f - %.3f)  %9.3f %7llu",
                    series.name.c_str(), median(walls(series)), median(processors(series)),
                    median(comparison.extra_ns), median(ratios), quantile(ratios, 0.25),
                    quantile(ratios, 0.75), median(comparison.processor_ratios),
                    static_cast<unsigned long long>(series.allocations));
        if (timed) {
            std::printf(" %9.2f %9.2f %9.2f", series.latencies.quantile(0.5) / 1e3,
                        series.latencies.quantile(0.99) / 1e3,
                        series.latencies.quantile(0.999) / 1e3);
        }
        std::printf("\n");
    }
    std::fflush(stdout);
}

void write_json(const std::vector<Cell>& cells, const Options& options) {
    nlohmann::json json{{"kernel", kernel()},
                        {"processors", std::thread::hardware_concurrency()},
                        {"block_size", options.block_size},
                        {"cells", nlohmann::json::array()}};
    for (const Cell& cell : cells) {
        nlohmann::json engines = nlohmann::json::array();
        for (const Series& series : cell.series) {
            engines.push_back(describe(series, cell.series.front()));
        }
        json["cells"].push_back(
            {{"target", cell.target}, {"depth", cell.depth}, {"engines", std::move(engines)}});
    }
    std::ofstream file{options.json};
    file << json.dump(2) << '\n';
    if (!file.flush()) {
        throw std::runtime_error("cannot write " + options.json);
    }
}

} // namespace bench
