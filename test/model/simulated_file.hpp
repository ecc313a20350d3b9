// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace aioxx::test {

/// A file as the simulated kernel has it: what is in it, and what it refuses. Behind it is a real
/// descriptor, so that fstat(2), epoll(7) and its like have something to work on. The size of a
/// regular one is kept in step; the bytes are here. A pipe is a real pipe.
class SimulatedFile {
public:
    enum class Kind : std::uint8_t { regular, reader, writer };
    struct Traits {
        bool in_memory = false;      // nothing there ever blocks
        bool nowait_refused = false; // EOPNOTSUPP at submit, as overlayfs has it
        bool nowait_fails = false;   // or in the event of a write, as ext4
        bool poll_refused = false;   // EINVAL, as for a tty
        std::size_t unit = 1;        // of direct I/O
    };

    /// What a descriptor refers to, in whatever table it is.
    struct Key {
        dev_t device;
        ino_t inode;
        int writable; // of a pipe: tells its ends apart
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    /// False when `fd` is not open. `flags` are those of F_GETFL.
    static bool look_up(int fd, Key& key, int& flags) noexcept;

    SimulatedFile(int fd, Traits what);
    SimulatedFile(const SimulatedFile&) = delete;
    SimulatedFile& operator=(const SimulatedFile&) = delete;
    ~SimulatedFile();

    void grow(std::size_t size);

    const Traits traits;
    Kind kind = Kind::regular;
    int fd; // our own
    std::vector<std::byte> bytes;
};

} // namespace aioxx::test
