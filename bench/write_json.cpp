// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/comparison.hpp"
#include "bench/machine.hpp"
#include "bench/report.hpp"
#include "bench/statistics.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

Json spread(const std::vector<double>& values) {
    return {{"median", median(values)},
            {"p05", quantile(values, 0.05)},
            {"p25", quantile(values, 0.25)},
            {"p75", quantile(values, 0.75)},
            {"p95", quantile(values, 0.95)}};
}

/// The medians of the ratios to what there is apart from this project.
Json ratios(const Series& series, const Cell& cell, std::vector<double> Comparison::*which) {
    Json json = Json::object();
    for (const Series& other : cell.series) {
        const bool wanted = other.name == "c" || other.name == "glibc" || other.name == "uring";
        if (wanted && other.trouble.empty()) {
            json[other.name] = median(Comparison{series, other}.*which);
        }
    }
    return json;
}

Json describe(const Series& series, const Cell& cell) {
    if (!series.trouble.empty()) {
        return {{"engine", series.name}, {series.failed ? "failed" : "skipped", series.trouble}};
    }
    const Comparison comparison{series, cell.series.front()};
    Json json{
        {"engine", series.name},
        {"rounds", series.samples.size()},
        {"operations", series.operations},
        {"allocations", series.allocations},
        {"wall_ns", spread(walls(series))},
        {"processor_ns", spread(processors(series))},
        {"speed_to_c", spread(comparison.speed_ratios)},
        {"processor_to_c", spread(comparison.processor_ratios)},
        {"extra_ns", spread(comparison.extra_ns)},
        {"speed_to", ratios(series, cell, &Comparison::speed_ratios)},
        {"processor_to", ratios(series, cell, &Comparison::processor_ratios)},
    };
    if (series.calls_an_operation >= 0) {
        json["system_calls"] = series.calls_an_operation;
    }
    if (series.latencies.count() != 0) {
        json["latency_ns"] = {{"p50", series.latencies.quantile(0.5)},
                              {"p99", series.latencies.quantile(0.99)},
                              {"p999", series.latencies.quantile(0.999)}};
    }
    return json;
}

} // namespace

void write_json(const std::vector<Cell>& cells, const std::vector<SkippedTarget>& skipped,
                const Options& options) {
    Json json{{"kernel", kernel()},
              {"processor", processor()},
              {"processors", processors()},
              {"arguments", options.arguments},
              {"block_size", options.block_size},
              {"cells", Json::array()},
              {"skipped", Json::object()}};
    for (const Cell& cell : cells) {
        Json engines = Json::array();
        for (const Series& series : cell.series) {
            engines.push_back(describe(series, cell));
        }
        json["cells"].push_back(
            {{"target", cell.target}, {"depth", cell.depth}, {"engines", std::move(engines)}});
    }
    for (const SkippedTarget& target : skipped) {
        json["skipped"][target.name] = target.reason;
    }
    std::ofstream file{options.json};
    file << json.dump(1) << '\n';
    if (!file.flush()) {
        throw std::runtime_error("cannot write " + options.json);
    }
}

} // namespace bench
