// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Random direct reads of 4 KiB, four side by side, on a device where 3 of 100 take 100 ms: a FUSE
// server. By examples/programs/hedged_reader of two copies, in turns with plain reads of a single
// copy, and with those again, which shows the noise.
//
//   build-dev/bench/bench/hedged-reads [READS [ROUNDS]]      of a turn: 400 15

#include "bench/statistics.hpp"
#include "bench/turns.hpp"
#include "devices/fuse_server.hpp"
#include "examples/programs/hedged_reader.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t block = 4096;
constexpr std::int64_t blocks = 256; // of each file

struct Turn {
    double middle = 0; // milliseconds, of one read
    double p99 = 0;
    double rate = 0;      // reads a second
    double processor = 0; // seconds a read
};

std::mt19937_64 place{1};

/// `read(offset)` is a task that gives a Transfer.
template <typename Read>
aioxx::Task<> reader(Read& read, unsigned long& left, std::vector<double>& times) {
    while (left > 0) {
        --left;
        const std::int64_t offset = static_cast<std::int64_t>(place() % blocks) * block;
        const Clock::time_point begun = Clock::now();
        const aioxx::Transfer got = co_await read(offset);
        times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
        if (got.bytes != block ||
            got.buffer.data()[0] != static_cast<std::byte>(offset / 512 % 256)) {
            std::abort();
        }
    }
}

template <typename Read>
Turn turn(aioxx::Queue& queue, unsigned long reads, Read read) {
    unsigned long left = reads;
    std::vector<double> times;
    std::vector<aioxx::Task<>> tasks;
    for (int i = 0; i < 4; ++i) {
        tasks.push_back(reader(read, left, times));
    }
    const double processor = bench::processor_time();
    const Clock::time_point begun = Clock::now();
    aioxx::run(queue, aioxx::when_all(std::move(tasks)));
    const double taken = std::chrono::duration<double>(Clock::now() - begun).count();
    const auto made = static_cast<double>(reads);
    return {bench::median(times), bench::quantile(times, 0.99), made / taken,
            (bench::processor_time() - processor) / made};
}

struct Ratios {
    std::vector<double> middle;
    std::vector<double> p99;
    std::vector<double> rate;
    std::vector<double> processor;

    void add(const Turn& turn, const Turn& reference) {
        middle.push_back(turn.middle / reference.middle);
        p99.push_back(turn.p99 / reference.p99);
        rate.push_back(turn.rate / reference.rate);
        processor.push_back(turn.processor / reference.processor);
    }
    void print(const char* name) const {
        std::printf("%-8s to a single copy: 99 %% %.3f (%.3f to %.3f), 50 %% %.3f, rate %.2f, "
                    "processor time a read %.2f\n",
                    name, bench::median(p99), bench::quantile(p99, 0.25),
                    bench::quantile(p99, 0.75), bench::median(middle), bench::median(rate),
                    bench::median(processor));
    }
};

} // namespace

int main(int argc, char** argv) {
    const unsigned long reads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 400;
    const unsigned long rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 15;
    auto device = aioxx::test::attempt<aioxx::test::FuseServer>();
    if (!device) {
        std::printf("hedged reads: skipped: %s\n", device.reason());
        return 0;
    }
    const std::string one = device->file("one.slow-3.by-100");
    const std::string other = device->file("other.slow-3.by-100");
    aioxx::BufferPool pool{64, block};
    aioxx::Queue queue;
    HedgedReader hedged{queue, pool, one, other};
    const aioxx::File file = aioxx::File::open(one, O_RDONLY | O_DIRECT);
    const auto by_program = [&] {
        return turn(queue, reads, [&](std::int64_t offset) { return hedged.read(offset); });
    };
    const auto by_single = [&] {
        return turn(queue, reads, [&](std::int64_t offset) -> aioxx::Task<aioxx::Transfer> {
            aioxx::AlignedBuffer buffer = co_await queue.buffer(pool);
            co_return co_await queue.read_full(file, std::move(buffer), offset);
        });
    };
    by_program();
    by_single();
    Ratios program;
    Ratios noise;
    std::vector<double> p99;
    for (unsigned long round = 0; round < rounds; ++round) {
        const Turn reference = by_single();
        program.add(by_program(), reference);
        noise.add(by_single(), reference);
        p99.push_back(reference.p99);
    }
    const HedgedReader::Statistics seen = hedged.statistics();
    std::printf("%lu reads a turn, %lu rounds; a single copy: 99 %% %.1f ms; asked twice: %.1f of "
                "100\n",
                reads, rounds, bench::median(p99),
                100.0 * static_cast<double>(seen.asked_twice) / static_cast<double>(seen.reads));
    program.print("program");
    noise.print("single");
    return 0;
}
