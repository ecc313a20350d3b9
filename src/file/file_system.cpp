// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "file/file_system.hpp"

#include <algorithm>
#include <array>

#include <sys/vfs.h>

AIOXX_NAMESPACE_BEGIN

std::uint32_t file_system_of(int fd) noexcept {
    struct statfs status {};
    return ::fstatfs(fd, &status) == 0 ? static_cast<std::uint32_t>(status.f_type) : 0;
}

bool is_of_memory(std::uint32_t file_system) noexcept {
    constexpr std::uint32_t tmpfs = 0x01021994;
    constexpr std::uint32_t ramfs = 0x858458f6;
    constexpr std::uint32_t hugetlbfs = 0x958458f6;
    return file_system == tmpfs || file_system == ramfs || file_system == hugetlbfs;
}

bool is_of_network(std::uint32_t file_system) noexcept {
    constexpr std::array<std::uint32_t, 12> all{
        0x00006969,             // NFS
        0x0000517b,             // SMB
        0xff534d42,             // CIFS
        0xfe534d42,             // SMB2
        0x01021997,             // 9p
        0x5346414f, 0x6b414653, // AFS
        0x00c36400,             // Ceph
        0x73757245,             // Coda
        0x0bd00bd0,             // Lustre
        0x20030528,             // OrangeFS
        0x786f4256,             // folders of a VirtualBox host
    };
    return std::ranges::find(all, file_system) != all.end();
}

AIOXX_NAMESPACE_END
