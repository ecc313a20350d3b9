// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "devices/block_devices.hpp"
#include "devices/mounts.hpp"

#include <string>

namespace aioxx::test {

/// A file system on a loop device of its own.
class OnLoop {
public:
    OnLoop(const std::string& type, unsigned sector_bytes)
        : disk_(320 * mebibyte, sector_bytes), system_(type, disk_.path()) {}
    [[nodiscard]] std::string file(const std::string& name) const { return system_.file(name); }

private:
    LoopDevice disk_;
    FileSystem system_;
};

/// Calls `body(name, path of a file to be made)` for a file system of each kind, one at a time, and
/// `skip(name, reason)` for those that cannot be had.
template <typename Body, typename Skip>
void for_each_file_system(Body body, Skip skip) {
    const auto use = [&](const std::string& name, auto place) {
        if (place) {
            body(name, place->file("file"));
        } else {
            skip(name, place.reason());
        }
    };
    use("disk", attempt<TemporaryDirectory>());
    use("tmpfs", attempt<Tmpfs>(8 * mebibyte));
    use("overlayfs", attempt<Overlay>());
    for (const unsigned sector : {512U, 4096U}) {
        for (const char* const type : {"ext4", "xfs", "btrfs"}) {
            use(std::string{type} + " on sectors of " + std::to_string(sector),
                attempt<OnLoop>(type, sector));
        }
    }
}

} // namespace aioxx::test
