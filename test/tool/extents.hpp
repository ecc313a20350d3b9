// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Where a file's data lies, as its file system tells it.

#include "descriptors.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace aioxx::test {

/// The flags of its extents, FIEMAP_EXTENT_*, after what is to be written has been.
inline std::vector<std::uint32_t> extents_of(const std::string& path) {
    constexpr std::size_t most = 1024;
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::vector<std::uint64_t> memory(
        (sizeof(fiemap) + most * sizeof(fiemap_extent)) / sizeof(std::uint64_t) + 1);
    auto* const map = reinterpret_cast<fiemap*>(memory.data());
    map->fm_length = FIEMAP_MAX_OFFSET;
    map->fm_flags = FIEMAP_FLAG_SYNC;
    map->fm_extent_count = most;
    if (::ioctl(file, FS_IOC_FIEMAP, map) != 0) {
        throw std::system_error(errno, std::generic_category(), "FS_IOC_FIEMAP");
    }
    const auto* const extents = reinterpret_cast<const fiemap_extent*>(map + 1);
    std::vector<std::uint32_t> flags;
    for (std::uint32_t i = 0; i < map->fm_mapped_extents; ++i) {
        flags.push_back(extents[i].fe_flags);
    }
    return flags;
}

/// How many of its extents have a flag; and how many there are.
struct ExtentCount {
    std::size_t with_flag = 0;
    std::size_t all = 0;
};
inline ExtentCount count_extents(const std::string& path, std::uint32_t flag) {
    ExtentCount count;
    for (const std::uint32_t flags : extents_of(path)) {
        count.with_flag += (flags & flag) != 0 ? 1U : 0U;
        ++count.all;
    }
    return count;
}

} // namespace aioxx::test
