// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Group commit of a write-ahead log: writers append records of 512 bytes and wait until they are on
// the disk. By examples/programs/write_ahead_log, in turns with one thread that makes a pwrite for
// each record and an fdatasync for the same groups; with that thread again, which shows the noise;
// and with it making one pwrite a group, which a program with writers cannot reach: each of them is
// told, and gives the next record.
//
//   build-dev/bench/bench/group-commit [WRITERS [ROUNDS [DIRECTORY]]]      100 15 /var/tmp

#include "bench/statistics.hpp"
#include "bench/turns.hpp"
#include "examples/programs/write_ahead_log.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t record_size = 512;
constexpr std::size_t stored_size = record_size + 24; // with what the log puts before it
constexpr std::size_t log_size = std::size_t{64} << 20;
constexpr std::size_t most_commits = 110'000; // in a turn: so many the log has room for
constexpr std::chrono::milliseconds slice{300};

using bench::Turn; // of commits

/// Measures a turn.
class Meter {
public:
    [[nodiscard]] bool goes_on() const {
        return Clock::now() < start_ + slice && commits_ < most_commits;
    }
    void add(std::size_t commits) {
        last_ = Clock::now();
        commits_ += commits;
    }
    [[nodiscard]] Turn result() const {
        const auto commits = static_cast<double>(commits_);
        return {commits / std::chrono::duration<double>(last_ - start_).count(),
                (bench::processor_time() - processor_) / commits};
    }

private:
    Clock::time_point start_ = Clock::now();
    Clock::time_point last_ = start_;
    double processor_ = bench::processor_time();
    std::size_t commits_ = 0;
};

/// The commits of each group.
using Groups = std::vector<std::size_t>;

/// One thread, and what it writes to over and over.
class ByThread {
public:
    explicit ByThread(const std::filesystem::path& directory)
        : file_(aioxx::File::open(directory, O_TMPFILE | O_RDWR, 0600)) {
        const std::vector<char> zeros(1 << 20);
        for (std::size_t at = 0; at < log_size; at += zeros.size()) {
            write(zeros.data(), zeros.size());
        }
        flush();
    }

    /// `together`: by one pwrite a group.
    Turn run(const Groups& groups, bool together = false) {
        next_ = 0;
        const std::vector<char> group(*std::max_element(groups.begin(), groups.end()) *
                                      stored_size);
        Meter meter;
        for (std::size_t i = 0; meter.goes_on(); i = (i + 1) % groups.size()) {
            const std::size_t size = groups[i] * stored_size;
            const std::size_t part = together ? size : stored_size;
            for (std::size_t done = 0; done < size; done += part) {
                write(group.data(), part);
            }
            flush();
            meter.add(groups[i]);
        }
        return meter.result();
    }

private:
    void write(const char* data, std::size_t size) {
        next_ = next_ + size > log_size ? 0 : next_;
        if (::pwrite(file_.fd(), data, size, static_cast<off_t>(next_)) !=
            static_cast<ssize_t>(size)) {
            std::perror("group_commit: pwrite");
            std::exit(1);
        }
        next_ += size;
    }
    void flush() {
        if (::fdatasync(file_.fd()) != 0) {
            std::perror("group_commit: fdatasync");
            std::exit(1);
        }
    }

    aioxx::File file_;
    std::size_t next_ = 0;
};

aioxx::Task<> commit(WriteAheadLog& log, Meter& meter, Groups& groups) {
    const std::array<char, record_size> record{};
    while (meter.goes_on()) {
        co_await log.append({record.data(), record.size()});
        meter.add(1);
        groups.resize(log.groups());
        ++groups.back();
    }
}

/// By the program, in a new log. Gives the groups that it has made.
Turn by_program(const std::filesystem::path& directory, std::size_t writers, Groups& groups) {
    const std::filesystem::path path = directory / ("group-commit." + std::to_string(::getpid()));
    aioxx::Queue queue;
    WriteAheadLog log{queue, path, log_size, [](std::uint64_t, std::string_view) {}};
    std::filesystem::remove(path);
    std::vector<aioxx::Task<>> tasks;
    groups.clear();
    Meter meter;
    for (std::size_t i = 0; i < writers; ++i) {
        tasks.push_back(commit(log, meter, groups));
    }
    aioxx::run(queue, aioxx::when_all(std::move(tasks)));
    return meter.result();
}

} // namespace

int main(int argc, char** argv) {
    const std::size_t writers = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100;
    const unsigned long rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 15;
    const std::filesystem::path directory = argc > 3 ? argv[3] : "/var/tmp";
    ByThread thread{directory};
    bench::Ratios program;
    bench::Ratios noise;
    bench::Ratios together;
    Groups groups;
    by_program(directory, writers, groups);
    thread.run(groups);
    std::vector<double> rates;
    std::vector<double> sizes;
    for (unsigned long round = 0; round < rounds; ++round) {
        const Turn turn = by_program(directory, writers, groups);
        const Turn reference = thread.run(groups);
        program.add(turn, reference);
        noise.add(thread.run(groups), reference);
        together.add(thread.run(groups, true), reference);
        rates.push_back(reference.rate);
        sizes.push_back(std::accumulate(groups.begin(), groups.end(), 0.0) /
                        static_cast<double>(groups.size()));
    }
    std::printf("%zu writers, %lu rounds; one thread: %.0f commits a second; %.1f a group\n",
                writers, rounds, bench::median(rates), bench::median(sizes));
    program.print("program", "thread", "commit");
    noise.print("thread", "thread", "commit");
    together.print("together", "thread", "commit");
    return 0;
}
