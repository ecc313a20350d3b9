// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "devices/block_devices.hpp"
#include "devices/mounts.hpp"

#include <string>

namespace aioxx::test {

/// A new file system on a device of its own, by default large enough for each of the types.
template <typename Device = LoopDevice>
class NewFileSystem {
public:
    explicit NewFileSystem(const std::string& type, long bytes = 400 * mebibyte)
        : device_(bytes), mounted_(type, device_.path()) {}

    [[nodiscard]] const std::string& path() const noexcept { return mounted_.path(); }
    [[nodiscard]] std::string file(const std::string& name) const { return mounted_.file(name); }
    /// Of the device.
    [[nodiscard]] const std::string& device() const noexcept { return device_.path(); }

private:
    Device device_;
    FileSystem mounted_;
};

} // namespace aioxx::test
