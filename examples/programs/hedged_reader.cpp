// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Reads a file that there are two copies of, by the faster of them each time:
//
//   hedged_reader cat COPY OTHER              to the standard output
//   hedged_reader time COPY OTHER READS       of random blocks, and prints how long they took

#include "hedged_reader.hpp"

#include <cstdlib>
#include <deque>
#include <iostream>
#include <random>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t block_size = 4096;
constexpr std::size_t memory = 64; // blocks

/// Those that read side by side give their blocks in the order of the file.
aioxx::Task<> copy_blocks(HedgedReader& reader, std::int64_t& next, std::int64_t& written,
                          aioxx::Condition& turn, std::ostream& out) {
    while (next < reader.size()) {
        const std::int64_t mine = next;
        next += block_size;
        const aioxx::Transfer got = co_await reader.read(mine);
        while (written != mine) {
            co_await turn.wait();
        }
        out.write(reinterpret_cast<const char*>(got.buffer.data()),
                  static_cast<std::streamsize>(got.bytes));
        written += block_size;
        turn.notify_all();
    }
}

aioxx::Task<> time_reads(HedgedReader& reader, std::mt19937_64& random, unsigned long& left,
                         std::vector<double>& milliseconds) {
    const std::int64_t blocks = std::max<std::int64_t>(reader.size() / block_size, 1);
    while (left > 0) {
        --left;
        const auto block = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(blocks));
        const Clock::time_point begun = Clock::now();
        co_await reader.read(block * block_size);
        milliseconds.push_back(
            std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
    }
}

void print(std::vector<double> milliseconds, const HedgedReader::Statistics& seen) {
    std::ranges::sort(milliseconds);
    const auto at = [&](double share) {
        return milliseconds.at(
            static_cast<std::size_t>(share * static_cast<double>(milliseconds.size() - 1)));
    };
    std::cout << seen.reads << " reads, " << seen.asked_twice << " asked twice, "
              << seen.won_by_second << " won by the second copy, " << seen.failures
              << " failures; ms: 50 % " << at(0.5) << ", 99 % " << at(0.99) << ", longest " << at(1)
              << '\n';
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view command = argc > 1 ? argv[1] : "";
    try {
        if (!(argc == 4 && command == "cat") && !(argc == 5 && command == "time")) {
            std::cerr << "usage: hedged_reader cat COPY OTHER | time COPY OTHER READS\n";
            return 2;
        }
        aioxx::BufferPool pool{memory, block_size};
        aioxx::Queue queue;
        HedgedReader reader{queue, pool, argv[2], argv[3]};
        std::vector<aioxx::Task<>> tasks;
        if (command == "cat") {
            std::int64_t next = 0;
            std::int64_t written = 0;
            aioxx::Condition turn{queue};
            for (int i = 0; i < 8; ++i) {
                tasks.push_back(copy_blocks(reader, next, written, turn, std::cout));
            }
            aioxx::run(queue, aioxx::when_all(std::move(tasks)));
        } else {
            std::mt19937_64 random{1};
            unsigned long left = std::max(std::strtoul(argv[4], nullptr, 10), 1UL);
            std::vector<double> milliseconds;
            for (int i = 0; i < 4; ++i) {
                tasks.push_back(time_reads(reader, random, left, milliseconds));
            }
            aioxx::run(queue, aioxx::when_all(std::move(tasks)));
            print(milliseconds, reader.statistics());
        }
        return std::cout.flush() ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
