// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/interrupt.hpp"
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "bench/rounds.hpp"
#include "bench/targets/target.hpp"
#include "bench/worker.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>

namespace bench {
namespace {

class Run {
public:
    explicit Run(const Options& options) : options_(options) {}

    /// The program's exit status.
    int all() {
        if (options_.once == 0) {
            print_machine(options_);
        }
        for (const std::string& name : options_.targets) {
            if (const std::unique_ptr<Target> target = try_target(name)) {
                for (const unsigned depth : options_.depths) {
                    run_cell(name, *target, depth);
                }
            }
        }
        if (!options_.json.empty()) {
            write_json(cells_, skipped_, options_);
        }
        return std::any_of(cells_.begin(), cells_.end(), has_failed) ? 1 : 0;
    }

private:
    /// Null where this machine or this user cannot have it; the reason is printed.
    std::unique_ptr<Target> try_target(const std::string& name) {
        try {
            return make_target(name, options_);
        } catch (const std::exception& error) {
            std::printf("\n%s: skipped: %s\n", name.c_str(), error.what());
            skipped_.push_back({name, error.what()});
            return nullptr;
        }
    }

    void run_cell(const std::string& name, const Target& target, unsigned depth) {
        if (options_.once != 0) {
            run_once(target, depth, options_);
            return;
        }
        cells_.push_back(measure(name, target, depth, options_));
        print_cell(cells_.back());
    }

    static bool has_failed(const Cell& cell) {
        return std::any_of(cell.series.begin(), cell.series.end(),
                           [](const Series& series) { return series.failed; });
    }

    const Options& options_;
    std::vector<Cell> cells_;
    std::vector<SkippedTarget> skipped_;
};

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    try {
        const bench::Options options = bench::parse(argc, argv);
        if (!options.worker.engine.empty()) {
            return bench::work_for_another(options);
        }
        bench::catch_interrupts();
        return bench::Run{options}.all();
    } catch (const bench::Interrupted& interrupted) {
        return 128 + interrupted.signal;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "aioxx-bench: %s\n", error.what());
        return 1;
    }
}
