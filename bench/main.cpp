// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/interrupt.hpp"
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "bench/rounds.hpp"
#include "bench/targets/target.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <system_error>

namespace bench {
namespace {

/// Null where this machine or this user cannot have it; the reason is printed.
std::unique_ptr<Target> try_target(const std::string& name, const Options& options) {
    try {
        return make_target(name, options);
    } catch (const std::exception& error) {
        std::printf("\n%s: skipped: %s\n", name.c_str(), error.what());
        return nullptr;
    }
}

void run(const Options& options) {
    std::vector<Cell> cells;
    if (options.once == 0) {
        print_machine(options);
    }
    for (const std::string& name : options.targets) {
        const std::unique_ptr<Target> target = try_target(name, options);
        for (const unsigned depth : options.depths) {
            if (target == nullptr) {
                break;
            }
            if (options.once != 0) {
                run_once(*target, depth, options);
                continue;
            }
            cells.push_back(measure(name, *target, depth, options));
            print_cell(cells.back());
        }
    }
    if (!options.json.empty()) {
        write_json(cells, options);
    }
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    try {
        const bench::Options options = bench::parse(argc, argv);
        bench::catch_interrupts();
        bench::run(options);
        return 0;
    } catch (const bench::Interrupted& interrupted) {
        return 128 + interrupted.signal;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "aioxx-bench: %s\n", error.what());
        return 1;
    }
}
