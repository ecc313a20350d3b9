// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/high_descriptor.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

constexpr int at_a_time = 8;

constexpr rlim_t high_enough = 1008;

/// How many numbers there may be.
rlim_t numbers() noexcept {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : high_enough;
}

/// The limit of numbers, or less: the kernel's table is as large as the highest number asks for.
int top(rlim_t count) noexcept {
    return static_cast<int>(std::min(count, high_enough));
}

} // namespace

int duplicate_high(int fd) noexcept {
    // What is taken at the top is looked for further down.
    for (int from = top(numbers()) - at_a_time; from > fd; from -= at_a_time) {
        const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, from);
        if (high >= 0) {
            return high;
        }
    }
    return -1;
}

DescriptorShare share_of_descriptors() noexcept {
    constexpr rlim_t most = 65536;
    const rlim_t count = std::min(numbers(), most);
    return {top(count) - top(count) / 16, static_cast<int>(count / 16)};
}

int move_high(int fd) noexcept {
    const int high = fd >= 0 ? duplicate_high(fd) : -1;
    if (high < 0) {
        return fd;
    }
    ::close(fd);
    return high;
}

} // namespace engine
AIOXX_NAMESPACE_END
