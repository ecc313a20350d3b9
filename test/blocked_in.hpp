// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "descriptors.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>

#include <sched.h>
#include <sys/syscall.h>

namespace aioxx::test {

inline pid_t thread_id() noexcept {
    return static_cast<pid_t>(::syscall(SYS_gettid));
}

/// Returns when thread `tid` of this process sleeps inside system call `number`, so that a test can
/// act on a thread that is known to wait. False when that has not come about within 30 seconds, or
/// cannot be seen here (/proc/self/task/N/syscall).
inline bool wait_until_blocked_in(pid_t tid, long number) {
    const std::string path = "/proc/self/task/" + std::to_string(tid) + "/syscall";
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (std::chrono::steady_clock::now() < end) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        std::array<char, 256> text{};
        const ssize_t length = fd < 0 ? -1 : ::read(fd, text.data(), text.size() - 1);
        ::close(fd);
        if (length <= 0) {
            return false;
        }
        // "running", or the number of the call and its arguments
        if (text[0] != 'r' && std::strtol(text.data(), nullptr, 10) == number) {
            return true;
        }
        ::sched_yield();
    }
    return false;
}

} // namespace aioxx::test
