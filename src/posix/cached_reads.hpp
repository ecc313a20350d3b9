// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/backoff.hpp"
#include "posix/file_identity.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Reads of what is in memory, made in the call by two system calls, without an operation. glibc
/// makes them in threads beside the program, on another processor; so a read costs more here than
/// with glibc unless it is as cheap as this.
///
/// A descriptor may have become another file's since it was described. So either the call cannot
/// block, whatever the file is; or it is checked first that the file is the same.
class CachedReads {
public:
    enum class Kind : std::uint8_t {
        other,     // not read here
        cached,    // a file that is read through the page cache
        in_memory, // a file of a file system without a device
    };

    /// Says what file is open as `fd`. With the CriticalSection held.
    void describe(int fd, Kind kind, const FileIdentity& identity) noexcept;
    /// Bytes, or -1 where an operation is needed. Keeps errno, blocks on no device, takes no lock.
    ssize_t read(int fd, void* to, std::size_t length, std::int64_t offset) noexcept;
    /// Of those that are not counted elsewhere.
    [[nodiscard]] std::uint64_t count() const noexcept { return own_count_.load(); }
    /// Where they are counted from now on. Before the first.
    void count_in(std::atomic<std::uint64_t>& count) noexcept { count_ = &count; }

private:
    /// Threads read it while another one changes it. What they see then, old and new values mixed,
    /// is the identity of no file, or of this one.
    struct Known {
        std::atomic<Kind> kind{Kind::other};
        Backoff backoff; // what is not in memory is tried here and then by an operation
        std::atomic<int> flags{0};
        std::atomic<std::uint64_t> device{0};
        std::atomic<std::uint64_t> inode{0};

        [[nodiscard]] bool is_still(int fd) const noexcept;
    };

    std::array<Known, 1024> known_; // by descriptor; higher ones are not read here
    std::atomic<std::uint64_t> own_count_{0};
    std::atomic<std::uint64_t>* count_ = &own_count_;
};

} // namespace posix
AIOXX_NAMESPACE_END
