// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/restraint.hpp"
#include "posix/file_identity.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Reads that find everything in memory, made in the call: two system calls, and none of what takes
/// an operation through the kernel's AIO and back. glibc's threads do as much on another processor,
/// beside the program; to be no slower here it has to be cheap.
///
/// A number may have become another file's since it was learnt. So either the call cannot block
/// whatever is behind the number, or it is looked whether it still is the same file.
class CachedReads {
public:
    enum class Kind : std::uint8_t {
        other,     // not for here
        cached,    // a file that is read through the page cache
        in_memory, // one of a file system that has no device
    };

    /// What a number is. With the CriticalSection held.
    void learn(int fd, Kind kind, const FileIdentity& identity) noexcept;
    /// Bytes, or -1 when the ordinary way has to be gone. Leaves errno alone, blocks on no device
    /// and takes no lock.
    ssize_t read(int fd, void* to, std::size_t length, std::int64_t offset) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept { return count_.load(); }

private:
    /// Any thread reads it while another one changes it: a mixture matches no file, or the same.
    struct Known {
        std::atomic<Kind> kind{Kind::other};
        engine::Restraint
            restraint; // what is not in memory is tried twice, here and on the ordinary way
        std::atomic<int> flags{0};
        std::atomic<std::uint64_t> device{0};
        std::atomic<std::uint64_t> inode{0};

        [[nodiscard]] bool is_still(int fd) const noexcept;
    };

    std::array<Known, 1024> known_; // by number; those above go the ordinary way
    std::atomic<std::uint64_t> count_{0};
};

} // namespace posix
AIOXX_NAMESPACE_END
