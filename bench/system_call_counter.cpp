// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/system_call_counter.hpp"

#include "bench/targets/target.hpp"

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bench {
namespace {

/// tracefs, mounted nowhere.
Descriptor detached_tracefs() noexcept {
    const Descriptor context{fsopen("tracefs", FSOPEN_CLOEXEC)};
    if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
        return Descriptor{};
    }
    return Descriptor{fsmount(context.get(), FSMOUNT_CLOEXEC, 0)};
}

/// The number of the tracepoint that every system call passes; negative: not to be had.
long tracepoint() noexcept {
    const Descriptor tracefs = detached_tracefs();
    const Descriptor file{
        openat(tracefs.get(), "events/raw_syscalls/sys_enter/id", O_RDONLY | O_CLOEXEC)};
    std::array<char, 16> text{};
    if (read(file.get(), text.data(), text.size() - 1) <= 0) {
        return -1;
    }
    return std::strtol(text.data(), nullptr, 10);
}

} // namespace

SystemCallCounter::SystemCallCounter() noexcept {
    const long number = tracepoint();
    if (number < 0) {
        return;
    }
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_TRACEPOINT;
    attributes.size = sizeof(attributes);
    attributes.config = static_cast<std::uint64_t>(number);
    attributes.disabled = 1;
    attributes.inherit = 1;
    fd_ = static_cast<int>(
        syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

SystemCallCounter::~SystemCallCounter() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

void SystemCallCounter::start() noexcept {
    ioctl(fd_, PERF_EVENT_IOC_RESET, 0);
    ioctl(fd_, PERF_EVENT_IOC_ENABLE, 0);
}

std::int64_t SystemCallCounter::stop() noexcept {
    ioctl(fd_, PERF_EVENT_IOC_DISABLE, 0);
    std::int64_t count = 0;
    if (read(fd_, &count, sizeof(count)) != static_cast<ssize_t>(sizeof(count))) {
        return -1;
    }
    return count - 1; // the one that stopped it
}

} // namespace bench
