// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Waiting for what comes about by itself, without counting on how long that takes.

#include <chrono>
#include <ctime>

namespace aioxx::test {

/// Twenty seconds from now: after that something has not happened.
class Deadline {
public:
    [[nodiscard]] bool over() const { return std::chrono::steady_clock::now() > end_; }

private:
    std::chrono::steady_clock::time_point end_ =
        std::chrono::steady_clock::now() + std::chrono::seconds{20};
};

inline void pause_briefly() {
    const timespec time{0, 1'000'000};
    ::nanosleep(&time, nullptr);
}

/// Returns when `holds()`; false when it does not before the deadline.
template <typename Condition>
bool eventually(Condition holds) {
    const Deadline deadline;
    while (!holds()) {
        if (deadline.over()) {
            return false;
        }
        pause_briefly();
    }
    return true;
}

} // namespace aioxx::test
