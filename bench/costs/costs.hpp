// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/aioxx.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace bench::costs {

using Costs = std::vector<double>; // ns

/// What is measured together, and among how many others.
struct Subject {
    std::vector<std::string> names; // of what measure() gives
    std::vector<std::size_t> sizes;
    std::function<Costs(std::size_t)> measure;
};

std::vector<Subject> of_queues_and_files();
std::vector<Subject> of_operations();

inline constexpr std::size_t sample = 1000; // are measured where others only wait
inline constexpr auto ignore = [](const aioxx::Completion&) {};

inline int checked(int result, const char* call) {
    if (result < 0) {
        throw std::system_error(errno, std::generic_category(), call);
    }
    return result;
}

/// Processor time of this thread since it was made, in the kernel too.
class Stopwatch {
public:
    [[nodiscard]] double each(std::size_t operations) const {
        return static_cast<double>(now() - start_) / static_cast<double>(operations);
    }

private:
    static std::int64_t now() {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    }
    std::int64_t start_ = now();
};

inline aioxx::Queue::Options boundless() {
    aioxx::Queue::Options options;
    options.limit = 4'000'000;
    return options;
}

/// Starts `count` operations, and says what each has cost. `start`: one of them.
template <typename Start>
double start_many(std::size_t count, Start start) {
    const Stopwatch watch;
    for (std::size_t i = 0; i < count; ++i) {
        start();
    }
    return watch.each(count);
}

/// What each costs until all that are outstanding have been delivered. `end`: ends them.
template <typename End>
double end_all(aioxx::Queue& queue, End end) {
    const std::size_t count = queue.outstanding();
    const Stopwatch watch;
    end();
    queue.run();
    return watch.each(count);
}

} // namespace bench::costs
