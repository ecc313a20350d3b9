// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// What tells one open file from another that has its descriptor later.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    int flags = 0;     // of F_GETFL
    unsigned type = 0; // S_IFMT

    bool operator==(const FileIdentity&) const = default;
    /// False when nothing is open as `fd`.
    bool read_from(int fd) noexcept;
    /// The same without the flags, by one system call.
    bool read_inode(int fd) noexcept;
    /// Whether what is open as `fd` has this inode; its flags may have changed. One system call.
    [[nodiscard]] bool has_inode_of(int fd) const noexcept;
    /// All files of its kind share one inode: AnonymousFiles tells them apart.
    [[nodiscard]] bool is_anonymous() const noexcept { return type == 0; }
};

} // namespace posix
AIOXX_NAMESPACE_END
