// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// `struct statx` as Linux 6.1 has it. Declared here because the C library's may be older than the
/// kernel, and lack the fields on direct I/O.
struct Statx {
    static constexpr std::uint32_t type = 0x1;
    static constexpr std::uint32_t inode_number = 0x100;
    static constexpr std::uint32_t dioalign = 0x2000;

    std::uint32_t mask = 0; // what the file system filled in
    std::uint32_t block_size = 0;
    std::uint64_t attributes = 0;
    std::uint32_t links = 0;
    std::uint32_t user = 0;
    std::uint32_t group = 0;
    std::uint16_t mode = 0;
    std::uint16_t padding = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::uint64_t blocks = 0;
    std::uint64_t attributes_mask = 0;
    std::uint64_t times[8] = {};
    std::uint32_t device_numbers[4] = {};
    std::uint64_t mount_id = 0;
    std::uint32_t dio_memory_alignment = 0;
    std::uint32_t dio_offset_alignment = 0;
    std::uint64_t spare[12] = {};
};
static_assert(sizeof(Statx) == 256 && offsetof(Statx, dio_memory_alignment) == 0x98);

/// statx(2) on an open file, without synchronising with a server. False when the call is refused.
bool statx(int fd, Statx& status) noexcept;
/// The same for the numbers of inode and device, and the type, alone.
bool statx_inode(int fd, Statx& status) noexcept;

AIOXX_NAMESPACE_END
