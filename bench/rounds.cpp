// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/rounds.hpp"

#include "bench/interrupt.hpp"
#include "bench/work.hpp"
#include "bench/worker_process.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

class Rounds {
public:
    Rounds(const std::string& target_name, const Target& target, unsigned depth,
           const Options& options)
        : target_(target), options_(options) {
        cell_.target = target_name;
        cell_.depth = depth;
        add(reference_engine, reference_engine);
        add(reference_engine, "c again");
        for (const std::string& name : options.engines) {
            if (name != reference_engine) {
                add(name, name);
            }
        }
    }

    Cell run() {
        const Clock::time_point start = Clock::now();
        const unsigned restarts = std::min(options_.restarts, options_.rounds);
        for (unsigned restart = 0; restart < restarts; ++restart) {
            start_workers(restart);
            const unsigned until = options_.rounds * (restart + 1) / restarts;
            while (round_ < until && !out_of_time(start, restart + 1, restarts)) {
                run_round();
            }
            if (options_.latency) {
                measure_latencies();
            }
            end_workers();
        }
        if (options_.latency) {
            count_calls();
        }
        return std::move(cell_);
    }

private:
    void add(const std::string& engine, const std::string& name) {
        entries_.push_back(&engine_named(engine));
        workers_.emplace_back();
        cell_.series.emplace_back().name = name;
    }

    [[nodiscard]] bool out_of_time(Clock::time_point start, unsigned part, unsigned parts) const {
        const std::chrono::duration<double> spent = Clock::now() - start;
        return options_.seconds > 0 && round_ > 0 &&
               spent.count() > options_.seconds * part / parts;
    }

    /// Does `action`, and if that throws, leaves the engine out.
    template <typename Action>
    void attempt(std::size_t which, Action action) {
        stop_if_interrupted();
        Series& series = cell_.series[which];
        if (!series.trouble.empty()) {
            return;
        }
        try {
            action(series);
            return;
        } catch (const Unavailable& missing) {
            series.trouble = missing.what();
        } catch (const std::exception& error) {
            series.trouble = error.what();
            series.failed = true;
        }
        workers_[which].reset();
        if (which < 2) { // nothing can be compared
            throw std::runtime_error("the C loop: " + series.trouble);
        }
    }

    [[nodiscard]] std::unique_ptr<WorkerProcess> make_worker(std::size_t which, bool counts) const {
        return std::make_unique<WorkerProcess>(*entries_[which], target_, cell_.depth, options_,
                                               counts);
    }

    /// New processes, with all at new addresses: where memory happens to lie makes a difference
    /// that rounds alone do not take out.
    void start_workers(unsigned restart) {
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const std::size_t which = (i + restart) % entries_.size();
            attempt(which, [&](Series&) { workers_[which] = make_worker(which, false); });
        }
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            attempt(i, [&](Series& series) { warm_up(*workers_[i], series); });
        }
    }

    /// All that are about as fast as the C loop do as many operations in a slice as that does.
    void warm_up(WorkerProcess& worker, Series& series) {
        std::uint64_t& reference = cell_.series[0].slice_operations;
        prepare_target();
        if (reference == 0) {
            reference = calibrate(worker);
        }
        if (series.slice_operations != 0) {
            worker.run(random_(), series.slice_operations);
            return;
        }
        worker.run(random_(), least()); // its first touches
        const std::uint64_t some = std::max(least(), reference / 8);
        const double enough =
            static_cast<double>(some) * options_.slice_ms / shortest_ms(worker, some);
        series.slice_operations = enough > 0.4 * static_cast<double>(reference)
                                      ? reference
                                      : std::max(least(), static_cast<std::uint64_t>(enough));
    }

    /// So that start and end weigh little.
    [[nodiscard]] std::uint64_t least() const noexcept { return std::uint64_t{cell_.depth} * 8; }

    /// How many operations the C loop does in a slice.
    std::uint64_t calibrate(WorkerProcess& worker) {
        for (std::uint64_t operations = least();; operations *= 2) {
            const double spent_ms = shortest_ms(worker, operations);
            if (spent_ms >= options_.slice_ms) {
                const double enough =
                    static_cast<double>(operations) * options_.slice_ms / spent_ms;
                return std::max(least(), static_cast<std::uint64_t>(enough));
            }
        }
    }

    /// Of several runs: the first touches may be slow.
    double shortest_ms(WorkerProcess& worker, std::uint64_t operations) {
        double shortest = 0;
        for (int tries = 0; tries < 3; ++tries) {
            stop_if_interrupted();
            prepare_target();
            const double spent = worker.run(random_(), operations).wall_ns / 1e6;
            shortest = tries == 0 ? spent : std::min(shortest, spent);
        }
        return shortest;
    }

    void run_round() {
        std::vector<Sample> sums(entries_.size());
        for (std::size_t step = 0; step < 2 * entries_.size(); ++step) {
            const std::size_t place =
                step < entries_.size() ? step : 2 * entries_.size() - 1 - step;
            const std::size_t which = (place + round_) % entries_.size();
            attempt(which, [&](Series& series) { run_slice(which, series, sums[which]); });
        }
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            attempt(i, [&](Series& series) { series.samples.push_back(sums[i]); });
        }
        ++round_;
    }

    void run_slice(std::size_t which, Series& series, Sample& sum) {
        prepare_target();
        // Each slice begins elsewhere: else the second engine would find its data in the
        // processor's cache, brought there by the first.
        const Answer answer = workers_[which]->run(random_(), series.slice_operations);
        const double two_slices = 2 * static_cast<double>(series.slice_operations);
        sum.wall_ns += answer.wall_ns / two_slices;
        sum.processor_ns += answer.processor_ns / two_slices;
        series.allocations += answer.allocations;
        series.operations += series.slice_operations;
    }

    void measure_latencies() {
        constexpr int slices = 8;
        const Clock::time_point start = Clock::now();
        for (int i = 0; i < slices && !(i > 0 && out_of_time(start, 1, 3 * options_.restarts));
             ++i) {
            for (std::size_t which = 0; which < entries_.size(); ++which) {
                attempt(which, [&](Series& series) {
                    prepare_target();
                    workers_[which]->run_timed(random_(), series.slice_operations,
                                               series.latencies);
                });
            }
        }
    }

    /// In processes of their own, as counting makes calls slower.
    void count_calls() {
        for (std::size_t which = 0; which < entries_.size(); ++which) {
            attempt(which, [&](Series& series) {
                workers_[which] = make_worker(which, true);
                WorkerProcess& worker = *workers_[which];
                worker.run(random_(), series.slice_operations);
                prepare_target();
                const Answer answer = worker.run(random_(), series.slice_operations);
                if (answer.system_calls >= 0) {
                    series.calls_an_operation = static_cast<double>(answer.system_calls) /
                                                static_cast<double>(series.slice_operations);
                }
            });
        }
        end_workers();
    }

    /// First all are told, then all are waited for: to close a context takes a while.
    void end_workers() {
        for (const std::unique_ptr<WorkerProcess>& worker : workers_) {
            if (worker != nullptr) {
                worker->dismiss();
            }
        }
        for (std::unique_ptr<WorkerProcess>& worker : workers_) {
            worker.reset();
        }
    }

    void prepare_target() const {
        if (options_.access == Access::cold) {
            target_.make_cold();
        }
    }

    const Target& target_;
    const Options& options_;
    Cell cell_;
    std::vector<const EngineEntry*> entries_;
    std::vector<std::unique_ptr<WorkerProcess>> workers_;
    unsigned round_ = 0;
    std::mt19937_64 random_{1};
};

} // namespace

Cell measure(const std::string& target_name, const Target& target, unsigned depth,
             const Options& options) {
    return Rounds{target_name, target, depth, options}.run();
}

void run_once(const Target& target, unsigned depth, const Options& options) {
    const Work work{target.fd(), target.size(), depth, options};
    for (const std::string& name : options.engines) {
        engine_named(name).make(work.workload())->run(0, options.once);
    }
}

} // namespace bench
