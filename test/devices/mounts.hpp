// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "devices/host_change.hpp"

#include <string>

namespace aioxx::test {

/// An empty directory, removed with all that is in it. On the disk below /var/tmp unless another
/// directory is named. Needs no rights.
class TemporaryDirectory {
public:
    explicit TemporaryDirectory(const std::string& parent = "/var/tmp");

    [[nodiscard]] const std::string& path() const noexcept { return made_.output(); }
    [[nodiscard]] std::string file(const std::string& name) const { return path() + '/' + name; }

private:
    HostChange made_;
};

/// Something mounted on a temporary directory. Unmounted lazily when it is busy.
class Mount {
public:
    /// `arguments` are those of mount(8) without the directory, as the shell reads them.
    explicit Mount(const std::string& arguments);

    [[nodiscard]] const std::string& path() const noexcept { return directory_.path(); }
    [[nodiscard]] std::string file(const std::string& name) const { return directory_.file(name); }

private:
    TemporaryDirectory directory_;
    HostChange mounted_;
};

/// A tmpfs that is full after `bytes`.
class Tmpfs : public Mount {
public:
    explicit Tmpfs(long bytes) : Mount("-t tmpfs -o size=" + std::to_string(bytes) + " tmpfs") {}
};

/// A new file system on a block device: "ext4", "xfs" (at least 300 MiB) or "btrfs" (110 MiB).
class FileSystem {
public:
    FileSystem(const std::string& type, const std::string& device);

    [[nodiscard]] const std::string& path() const noexcept { return mount_.path(); }
    [[nodiscard]] std::string file(const std::string& name) const { return mount_.file(name); }

private:
    Mount mount_;
};

/// An overlayfs whose layers are directories on the disk, or in another directory.
class Overlay {
public:
    explicit Overlay(const std::string& parent = "/var/tmp");

    [[nodiscard]] const std::string& path() const noexcept { return mount_.path(); }
    [[nodiscard]] std::string file(const std::string& name) const { return mount_.file(name); }
    /// The layer below: what is put here before anything is looked up shows through.
    [[nodiscard]] const std::string& lower() const noexcept { return lower_.path(); }
    [[nodiscard]] const std::string& upper() const noexcept { return upper_.path(); }

private:
    TemporaryDirectory lower_;
    TemporaryDirectory upper_;
    TemporaryDirectory work_;
    Mount mount_;
};

} // namespace aioxx::test
