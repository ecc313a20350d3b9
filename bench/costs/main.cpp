// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
//
// What an operation costs the queue's thread, by how many others there are: other queues before it,
// other files, other operations. Writes a table, and with a name of a file JSON as well.
//
// usage: aioxx-costs [--most NUMBER] [JSON]     NUMBER: sizes above it are left out
#include "bench/costs/costs.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <sys/resource.h>

namespace bench::costs {
namespace {

/// The least of some runs: what else the machine did is in the others.
Costs least(const Subject& subject, std::size_t size) {
    constexpr int runs = 5;
    constexpr std::chrono::seconds enough{3};
    const auto begun = std::chrono::steady_clock::now();
    Costs found = subject.measure(size);
    for (int i = 1; i < runs && std::chrono::steady_clock::now() - begun < enough; ++i) {
        const Costs again = subject.measure(size);
        std::transform(found.begin(), found.end(), again.begin(), found.begin(),
                       [](double one, double other) { return std::min(one, other); });
    }
    return found;
}

nlohmann::json measure(const Subject& subject, std::size_t most) {
    nlohmann::json rows = nlohmann::json::array();
    for (const std::string& name : subject.names) {
        rows.push_back({{"what", name}, {"ns", nlohmann::json::object()}});
    }
    for (const std::size_t size : subject.sizes) {
        if (size > most) {
            continue;
        }
        const Costs costs = least(subject, size);
        for (std::size_t i = 0; i < costs.size(); ++i) {
            rows[i]["ns"][std::to_string(size)] = costs[i];
        }
    }
    for (const auto& row : rows) {
        std::printf("%-60s", row["what"].get<std::string>().c_str());
        for (const std::size_t size : subject.sizes) {
            const std::string key = std::to_string(size);
            if (row["ns"].contains(key)) {
                std::printf("  %7zu: %7.0f", size, row["ns"][key].get<double>());
            }
        }
        std::printf("\n");
    }
    std::fflush(stdout);
    return rows;
}

void allow_many_descriptors() {
    rlimit most{};
    checked(::getrlimit(RLIMIT_NOFILE, &most), "getrlimit");
    most.rlim_cur = most.rlim_max;
    checked(::setrlimit(RLIMIT_NOFILE, &most), "setrlimit");
}

int run(std::span<char*> arguments) {
    std::size_t most = 1'000'000;
    std::string output;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        if (std::string_view{arguments[i]} == "--most" && i + 1 < arguments.size()) {
            most = std::strtoul(arguments[++i], nullptr, 10);
        } else {
            output = arguments[i];
        }
    }
    allow_many_descriptors();
    nlohmann::json all = nlohmann::json::array();
    for (const auto& subjects : {of_queues_and_files(), of_operations()}) {
        for (const Subject& subject : subjects) {
            for (auto& row : measure(subject, most)) {
                all.push_back(row);
            }
        }
    }
    if (!output.empty()) {
        std::ofstream{output} << all.dump(1) << "\n";
    }
    return 0;
}

} // namespace
} // namespace bench::costs

int main(int argc, char** argv) {
    try {
        return bench::costs::run({argv, static_cast<std::size_t>(argc)});
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "aioxx-costs: %s\n", failure.what());
        return 1;
    }
}
