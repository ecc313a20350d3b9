// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_flush.hpp"

#include "tool/signals.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <semaphore>
#include <system_error>
#include <thread>
#include <vector>

#include <unistd.h>

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds time_to_measure{50};
constexpr std::size_t fewest = 8;

/// A thread that flushes one file whenever it is told to. Throws std::system_error where there is
/// none to be had.
class FlushThread {
public:
    explicit FlushThread(int fd) : fd_(fd) {
        const SignalsBlocked blocked; // it takes none of them
        thread_ = std::thread{[this] { work(); }};
    }
    FlushThread(const FlushThread&) = delete;
    FlushThread& operator=(const FlushThread&) = delete;
    ~FlushThread() {
        ends_ = true;
        wanted_.release();
        thread_.join();
    }

    /// An errno.
    int flush() {
        wanted_.release();
        done_.acquire();
        return error_;
    }

private:
    void work() {
        for (wanted_.acquire(); !ends_; wanted_.acquire()) {
            error_ = ::fsync(fd_) == 0 ? 0 : errno;
            done_.release();
        }
    }

    int fd_;
    bool ends_ = false; // this and the next: handed over by the semaphores
    int error_ = 0;
    std::binary_semaphore wanted_{0};
    std::binary_semaphore done_{0};
    std::thread thread_;
};

} // namespace

std::optional<std::chrono::nanoseconds> flush_by_thread(ProbeFile& file) {
    std::vector<std::chrono::nanoseconds> times;
    file.write_data();
    if (file.set_direct(false) != 0) {
        return std::nullopt;
    }
    try {
        FlushThread thread{file.fd()};
        const Clock::time_point end = Clock::now() + time_to_measure;
        for (const std::int64_t block : file.blocks()) {
            if (times.size() >= fewest && Clock::now() >= end) {
                break;
            }
            file.dirty(block);
            const Clock::time_point begin = Clock::now();
            if (thread.flush() != 0) {
                return std::nullopt;
            }
            times.push_back(Clock::now() - begin);
        }
    } catch (const std::system_error&) {
        return std::nullopt;
    }
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
}

} // namespace tool
