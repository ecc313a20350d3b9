// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// What the other threads of this process are doing, as /proc shows it.

#include "blocked_in.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace aioxx::test {

inline std::size_t count_threads() {
    const std::filesystem::directory_iterator tasks{"/proc/self/task"};
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

/// The same before the test starts any: a sanitizer has a thread of its own from the first one on.
inline std::size_t count_threads_at_rest() {
    pid_t tid = 0;
    std::thread{[&tid] { tid = thread_id(); }}.join();
    while (std::filesystem::exists("/proc/self/task/" + std::to_string(tid))) {
        ::sched_yield(); // it has ended, but is still shown
    }
    return count_threads();
}

/// Those of this process but the caller.
inline std::vector<pid_t> other_threads(pid_t self) {
    std::vector<pid_t> all;
    for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
        const pid_t tid = std::stoi(task.path().filename());
        if (tid != self) {
            all.push_back(tid);
        }
    }
    return all;
}

/// The system call that a thread is in; "running" for none.
inline std::string call_of(pid_t tid) {
    std::ifstream file{"/proc/self/task/" + std::to_string(tid) + "/syscall"};
    std::string call;
    file >> call;
    return call;
}

/// Those of the other threads.
inline std::vector<std::string> calls_of_others() {
    std::vector<std::string> calls;
    for (const pid_t tid : other_threads(thread_id())) {
        calls.push_back(call_of(tid));
    }
    return calls;
}

/// Whether each of the other threads sleeps, or has ended.
inline bool all_others_sleep() {
    for (const pid_t tid : other_threads(thread_id())) {
        std::ifstream file{"/proc/self/task/" + std::to_string(tid) + "/stat"};
        std::string line;
        std::getline(file, line);
        const std::size_t name_end = line.rfind(") "); // then the state
        if (name_end != std::string::npos && line[name_end + 2] != 'S') {
            return false;
        }
    }
    return true;
}

inline std::size_t count_blocked_in(long call) {
    std::size_t count = 0;
    for (const std::string& number : calls_of_others()) {
        count += number == std::to_string(call) ? 1U : 0U;
    }
    return count;
}

/// The signals that each of the other threads blocks.
inline std::vector<std::uint64_t> masks_of_others() {
    std::vector<std::uint64_t> masks;
    for (const pid_t tid : other_threads(thread_id())) {
        std::ifstream status{"/proc/self/task/" + std::to_string(tid) + "/status"};
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("SigBlk:")) {
                masks.push_back(std::stoull(line.substr(7), nullptr, 16));
            }
        }
    }
    return masks;
}

} // namespace aioxx::test
