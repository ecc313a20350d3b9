// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "devices/mounts.hpp"

#include <cstdint>
#include <string>

namespace aioxx::test {

/// What tells a name in /sys from the same name later, as numbers of devices are soon another's; 0
/// when there is none.
[[nodiscard]] std::uint64_t sysfs_id(const std::string& path);

/// A loop device over a sparse file on a tmpfs of its own, with direct I/O where the kernel's tmpfs
/// has it: as fast as memory, and yet asynchronous.
class LoopDevice {
public:
    explicit LoopDevice(long bytes, unsigned sector_bytes = 512);

    /// /dev/loopN
    [[nodiscard]] const std::string& path() const noexcept { return made_.output(); }
    /// Shorten it, and what lies beyond reads as EIO.
    [[nodiscard]] std::string backing_file() const { return memory_.file("disk"); }
    /// What there is of it in /sys while it has a file.
    [[nodiscard]] std::string sysfs() const { return "/sys/block/" + path().substr(5) + "/loop"; }

private:
    Tmpfs memory_;
    HostChange made_;
};

/// A block device in compressed memory, with sectors of 4096 bytes. Completes inside submit.
class Zram {
public:
    explicit Zram(long bytes);

    /// /dev/zramN
    [[nodiscard]] const std::string& path() const noexcept { return made_.output(); }
    /// From now on it stores no more than this (compressed); writes beyond fail with EIO.
    void limit_memory(long bytes);

private:
    HostChange made_;
};

/// Holds back what this process asks of a block device: while it is closed, nothing completes.
///
/// By cgroup v1's throttling, which holds reads and writes where they enter the device: for the
/// program that submitted them they are in flight. Declare it after the Context: closing the
/// Context waits for everything, and the Gate, which goes first, opens for it.
class Gate {
public:
    /// Open at first.
    explicit Gate(const std::string& device);

    void close();
    /// Lets everything go that waits.
    void open();

private:
    void set_limit(int limit);

    std::string device_number_;
    HostChange cgroup_;
};

} // namespace aioxx::test
