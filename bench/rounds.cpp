// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/rounds.hpp"

#include "bench/allocations.hpp"
#include "bench/interrupt.hpp"

#include <aioxx/file/aligned_buffer.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

double processor_nanoseconds() noexcept {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

request_kind kind_of(std::size_t index, Operation operation) noexcept {
    switch (operation) {
    case Operation::write:
        return request_write;
    case Operation::mix:
        return index % 2 == 0 ? request_read : request_write;
    case Operation::write_sync:
        return index % 8 == 7 ? request_sync : request_write;
    case Operation::read:
        break;
    }
    return request_read;
}

/// The operations, and the memory they need. Every engine gets the same.
class Work {
public:
    Work(const Target& target, unsigned depth, const Options& options)
        : buffers_(depth * options.block_size, 4096), requests_(count) {
        const std::uint64_t blocks = std::max<std::uint64_t>(1, target.size() / options.block_size);
        std::mt19937_64 random{depth};
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t block =
                options.order == Order::random ? random() % blocks : i % blocks;
            requests_[i].offset = static_cast<std::int64_t>(block * options.block_size);
            requests_[i].kind = kind_of(i, options.operation);
        }
        workload_ = {target.fd(), options.block_size, depth, buffers_.data(), requests_};
    }
    [[nodiscard]] const Workload& workload() const noexcept { return workload_; }

private:
    static constexpr std::size_t count = 1 << 16;

    aioxx::AlignedBuffer buffers_;
    std::vector<request> requests_;
    Workload workload_{};
};

/// How many operations the C loop does in a slice.
std::uint64_t calibrate(Engine& engine, unsigned depth, double slice_ms) {
    const std::uint64_t least = std::uint64_t{depth} * 8; // so that start and end weigh little
    for (std::uint64_t operations = least;; operations *= 2) {
        double shortest = slice_ms * 1e6; // of several: the first touches may be slow
        for (int tries = 0; tries < 4; ++tries) {
            stop_if_interrupted();
            const Clock::time_point start = Clock::now();
            engine.run(operations * static_cast<unsigned>(tries), operations);
            const std::chrono::duration<double, std::milli> spent = Clock::now() - start;
            shortest = std::min(shortest, spent.count());
        }
        if (shortest >= slice_ms) {
            const double enough = static_cast<double>(operations) * slice_ms / shortest;
            return std::max(least, static_cast<std::uint64_t>(enough));
        }
    }
}

class Rounds {
public:
    Rounds(const std::string& target_name, const Target& target, unsigned depth,
           const Options& options)
        : target_(target), options_(options), work_(target, depth, options) {
        cell_.target = target_name;
        cell_.depth = depth;
        entries_.push_back(&engine_named(reference_engine));
        entries_.push_back(&engine_named(reference_engine));
        for (const std::string& name : options.engines) {
            if (name != reference_engine) {
                entries_.push_back(&engine_named(name));
            }
        }
        for (const EngineEntry* const entry : entries_) {
            cell_.series.emplace_back().name = entry->name;
            cell_.series.back().samples.reserve(options.rounds);
        }
        cell_.series[1].name += " again";
    }

    Cell run() {
        const Clock::time_point start = Clock::now();
        const unsigned restarts = std::min(options_.restarts, options_.rounds);
        for (unsigned restart = 0; restart < restarts; ++restart) {
            make_engines(restart);
            const unsigned until = options_.rounds * (restart + 1) / restarts;
            while (round_ < until && !out_of_time(start, restart + 1, restarts)) {
                run_round();
            }
            if (options_.latency) {
                measure_latencies();
            }
        }
        running_.clear();
        return std::move(cell_);
    }

private:
    [[nodiscard]] bool out_of_time(Clock::time_point start, unsigned part, unsigned parts) const {
        const std::chrono::duration<double> spent = Clock::now() - start;
        return options_.seconds > 0 && spent.count() > options_.seconds * part / parts;
    }

    /// New engines, at new addresses: where memory happens to lie makes a difference that rounds
    /// alone do not take out.
    void make_engines(unsigned restart) {
        running_.clear();
        running_.resize(entries_.size());
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const std::size_t which = (i + restart) % entries_.size();
            running_[which] = entries_[which]->make(work_.workload());
        }
        if (cell_.slice_operations == 0) {
            cell_.slice_operations = calibrate(*running_[0], cell_.depth, options_.slice_ms);
        }
        for (const std::unique_ptr<Engine>& engine : running_) {
            prepare_target();
            engine->run(random_(), cell_.slice_operations); // to warm up
        }
    }

    void run_round() {
        std::vector<Sample> sums(entries_.size());
        for (std::size_t step = 0; step < 2 * entries_.size(); ++step) {
            const std::size_t place =
                step < entries_.size() ? step : 2 * entries_.size() - 1 - step;
            const std::size_t which = (place + round_) % entries_.size();
            run_slice(which, sums[which]);
        }
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const double operations = 2 * static_cast<double>(cell_.slice_operations);
            cell_.series[i].samples.push_back(
                {sums[i].wall_ns / operations, sums[i].processor_ns / operations});
        }
        ++round_;
    }

    void run_slice(std::size_t which, Sample& sum) {
        stop_if_interrupted();
        prepare_target();
        Series& series = cell_.series[which];
        // Each slice begins elsewhere: else whoever comes second would find its data in the
        // processor's cache, brought there by the first.
        const std::size_t first = random_();
        const std::uint64_t allocated = allocations();
        const double processor = processor_nanoseconds();
        const Clock::time_point start = Clock::now();
        running_[which]->run(first, cell_.slice_operations);
        const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
        sum.wall_ns += spent.count();
        sum.processor_ns += processor_nanoseconds() - processor;
        series.allocations += allocations() - allocated;
        series.operations += cell_.slice_operations;
    }

    void measure_latencies() {
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            stop_if_interrupted();
            prepare_target();
            running_[i]->run_timed(random_(), cell_.slice_operations * 4,
                                   cell_.series[i].latencies);
        }
    }

    void prepare_target() const {
        if (options_.access == Access::cold) {
            target_.make_cold();
        }
    }

    const Target& target_;
    const Options& options_;
    Work work_;
    Cell cell_;
    std::vector<const EngineEntry*> entries_;
    std::vector<std::unique_ptr<Engine>> running_;
    unsigned round_ = 0;
    std::mt19937_64 random_{1};
};

} // namespace

Cell measure(const std::string& target_name, const Target& target, unsigned depth,
             const Options& options) {
    return Rounds{target_name, target, depth, options}.run();
}

void run_once(const Target& target, unsigned depth, const Options& options) {
    const Work work{target, depth, options};
    for (const std::string& name : options.engines) {
        engine_named(name).make(work.workload())->run(0, options.once);
    }
}

} // namespace bench
