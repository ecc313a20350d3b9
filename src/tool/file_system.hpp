// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

namespace tool {

/// Whether the kernel makes the file up while it is read, as those under /proc and /sys: the size
/// that it says is not what it has.
[[nodiscard]] bool is_made_up(int fd) noexcept;

/// Whether the file system may be one that has no holes, and writes zeros where a size is set or a
/// write leaves some out: FAT and its kin, and all for which a server answers that may lie on one.
[[nodiscard]] bool may_lack_holes(int fd) noexcept;

/// Whether what is written into the file through the page cache is compressed: by a mount option,
/// or by a flag of the file, which it has of its directory.
[[nodiscard]] bool compresses(int fd);

} // namespace tool
