// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/file_system.hpp"

#include "tool/probe_file_system.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace tool {
namespace {

// As in linux/magic.h and in the file systems that have theirs to themselves.
constexpr std::uint32_t made_up[] = {
    0x9fa0,     // proc
    0x62656572, // sysfs
    0x64626720, // debugfs
    0x74726163, // tracefs
    0x73636673, // securityfs
    0x27e0eb,   // cgroup
    0x63677270, // cgroup2
    0x62656570, // configfs
    0xf97cff8c, // selinuxfs
    0x43415d53, // smackfs
    0x5a3c69f0, // apparmorfs
    0x6165676c, // pstore
    0xde5e81e4, // efivarfs
    0x42494e4d, // binfmt_misc
    0x7655821,  // resctrl
    0xabba1974, // xenfs
};
constexpr std::uint32_t without_holes[] = {
    0x4d44,     // FAT
    0x2011bab0, // exFAT
    0x4244,     // HFS
    0x482b,     // HFS+
    0xadff,     // AFFS
    0x72b6,     // JFFS2
    0x65735546, // FUSE
    0x01021997, // 9p
    0xff534d42, // CIFS
    0xfe534d42, // SMB2
    0x517b,     // SMB
    0x786f4256, // vboxsf
};
constexpr std::uint32_t btrfs = 0x9123683e;

std::uint32_t type_of(int fd) noexcept {
    struct statfs status {};
    return ::fstatfs(fd, &status) == 0 ? static_cast<std::uint32_t>(status.f_type) : 0;
}

template <typename List>
bool is_one_of(const List& list, std::uint32_t type) noexcept {
    return std::find(std::begin(list), std::end(list), type) != std::end(list);
}

/// "compress", "compress=zstd:3" or "compress-force=lzo" among "rw,ssd,..."
bool has_compress(std::string_view options) {
    while (!options.empty()) {
        const std::string_view option = options.substr(0, options.find(','));
        options.remove_prefix(std::min(option.size() + 1, options.size()));
        if (option.starts_with("compress")) {
            return true;
        }
    }
    return false;
}

} // namespace

bool is_made_up(int fd) noexcept {
    return is_one_of(made_up, type_of(fd));
}

bool may_lack_holes(int fd) noexcept {
    return is_one_of(without_holes, type_of(fd));
}

bool compresses(int fd) {
    int flags = 0; // as the kernel writes it, whatever the number of the request says
    const bool known = ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    const auto set = static_cast<unsigned>(flags);
    if (known && (set & (FS_COMPR_FL | FS_NOCOMP_FL | FS_NOCOW_FL)) != 0) {
        return (set & FS_COMPR_FL) != 0;
    }
    return type_of(fd) == btrfs && has_compress(file_system_of(fd).options);
}

} // namespace tool
