// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstdint>

namespace bench {

/// Counts the system calls of the calling thread and of those that it starts after this was made,
/// by the kernel's own tracepoint. It makes every system call of the machine slower for as long as
/// it exists. Needs root, or a perf_event_paranoid of -1 and a readable tracefs.
class SystemCallCounter {
public:
    SystemCallCounter() noexcept;
    SystemCallCounter(const SystemCallCounter&) = delete;
    SystemCallCounter& operator=(const SystemCallCounter&) = delete;
    ~SystemCallCounter();

    void start() noexcept;
    /// How many since start(); -1 where they cannot be counted.
    std::int64_t stop() noexcept;

private:
    int fd_ = -1;
};

} // namespace bench
