// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Group commit of a write-ahead log: writers append records of 512 bytes and wait until they are on
// the disk, by one fdatasync for all that have arrived. By a queue, in turns with one thread that
// makes pwrite for each record and fdatasync for the same groups itself, and with that thread
// again, which shows the noise.
//
//   build-dev/bench/bench/group-commit [WRITERS [ROUNDS [DIRECTORY]]]      100 15 /var/tmp

#include <aioxx/aioxx.hpp>

#include "bench/statistics.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t record_size = 512;
constexpr std::int64_t log_size = std::int64_t{32} << 20; // then from the start again
constexpr std::chrono::milliseconds slice{300};

/// What one turn has seen.
struct Turn {
    double commits = 0;   // a second
    double processor = 0; // seconds a commit, of all threads
    double longest = 0;   // seconds, of one group
};

double processor_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Measures a turn: groups are told as they end.
class Meter {
public:
    [[nodiscard]] bool goes_on() const { return Clock::now() < start_ + slice; }
    void group(std::size_t commits) {
        const Clock::time_point now = Clock::now();
        longest_ = std::max(longest_, now - last_);
        last_ = now;
        commits_ += commits;
    }
    [[nodiscard]] Turn result() const {
        const auto seconds = [](Clock::duration time) {
            return std::chrono::duration<double>(time).count();
        };
        const auto commits = static_cast<double>(commits_);
        return {commits / seconds(last_ - start_), (processor_time() - processor_) / commits,
                seconds(longest_)};
    }

private:
    Clock::time_point start_ = Clock::now();
    Clock::time_point last_ = start_;
    Clock::duration longest_{};
    double processor_ = processor_time();
    std::size_t commits_ = 0;
};

class Log {
public:
    explicit Log(const std::string& directory)
        : file_(aioxx::File::open(directory.c_str(), O_TMPFILE | O_RDWR, 0600)) {
        const std::vector<char> zeros(1 << 20);
        for (std::int64_t at = 0; at < log_size; at += static_cast<std::int64_t>(zeros.size())) {
            if (::pwrite(file_.fd(), zeros.data(), zeros.size(), at) < 0) {
                std::perror("group_commit: pwrite");
                std::exit(1);
            }
        }
        ::fsync(file_.fd());
    }
    [[nodiscard]] const aioxx::File& file() const { return file_; }
    std::int64_t next_place() {
        const std::int64_t place = next_;
        next_ = (next_ + static_cast<std::int64_t>(record_size)) % log_size;
        return place;
    }

private:
    aioxx::File file_;
    std::int64_t next_ = 0;
};

/// The commits of each group.
using Groups = std::vector<std::size_t>;

Turn by_thread(Log& log, const Groups& groups) {
    const std::array<std::byte, record_size> record{};
    Meter meter;
    for (std::size_t next = 0; meter.goes_on(); next = (next + 1) % groups.size()) {
        for (std::size_t i = 0; i < groups[next]; ++i) {
            if (::pwrite(log.file().fd(), record.data(), record.size(), log.next_place()) < 0) {
                std::abort();
            }
        }
        if (::fdatasync(log.file().fd()) != 0) {
            std::abort();
        }
        meter.group(groups[next]);
    }
    return meter.result();
}

/// The same by a queue: a writer goes on when its record is on the disk.
class ByQueue {
public:
    ByQueue(Log& log, std::size_t writers) : log_(log), writers_(writers) {}

    Turn run() {
        Meter meter;
        meter_ = &meter;
        groups_.clear();
        for (std::size_t i = 0; i < writers_; ++i) {
            append();
        }
        while (queue_.run_once()) {
            if (!flushing_ && written_ > 0) {
                flush();
            }
        }
        return meter.result();
    }
    [[nodiscard]] const Groups& groups() const { return groups_; }

private:
    void append() {
        queue_.write_all(log_.file(), record_, log_.next_place()).start([this](auto& done) {
            written_ += done.error() ? 0U : 1U;
        });
    }
    void flush() {
        flushing_ = true;
        const std::size_t group = std::exchange(written_, 0);
        queue_.fdatasync(log_.file()).start([this, group](auto& done) {
            flushing_ = false;
            if (done.error()) {
                std::abort();
            }
            meter_->group(group);
            groups_.push_back(group);
            for (std::size_t i = 0; i < group && meter_->goes_on(); ++i) {
                append();
            }
        });
    }

    Log& log_;
    const std::size_t writers_;
    const std::array<std::byte, record_size> record_{};
    Meter* meter_ = nullptr;
    Groups groups_;
    std::size_t written_ = 0; // and not flushed
    bool flushing_ = false;
    aioxx::Queue queue_;
};

struct Ratios {
    std::vector<double> rate;
    std::vector<double> processor;
    std::vector<double> longest;

    void add(const Turn& turn, const Turn& reference) {
        rate.push_back(turn.commits / reference.commits);
        processor.push_back(turn.processor / reference.processor);
        longest.push_back(turn.longest / reference.longest);
    }
    void print(const char* name) const {
        std::printf("%-8s to thread: rate %.3f (%.3f to %.3f), processor time a commit %.3f, "
                    "longest group %.2f\n",
                    name, bench::median(rate), bench::quantile(rate, 0.25),
                    bench::quantile(rate, 0.75), bench::median(processor), bench::median(longest));
    }
};

} // namespace

int main(int argc, char** argv) {
    const std::size_t writers = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100;
    const unsigned long rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 15;
    Log log{argc > 3 ? argv[3] : "/var/tmp"};
    Ratios queue;
    Ratios noise;
    ByQueue by_queue{log, writers};
    by_queue.run();
    by_thread(log, by_queue.groups());
    std::vector<double> rates;
    std::vector<double> sizes;
    for (unsigned long round = 0; round < rounds; ++round) {
        const Turn turn = by_queue.run();
        const Groups& groups = by_queue.groups();
        const Turn reference = by_thread(log, groups);
        queue.add(turn, reference);
        noise.add(by_thread(log, groups), reference);
        rates.push_back(reference.commits);
        sizes.push_back(std::accumulate(groups.begin(), groups.end(), 0.0) /
                        static_cast<double>(groups.size()));
    }
    std::printf("%zu writers, %lu rounds; one thread: %.0f commits a second; %.1f a group\n",
                writers, rounds, bench::median(rates), bench::median(sizes));
    queue.print("queue");
    noise.print("thread");
    return 0;
}
