// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Files for the command to copy, and places that they are copied to.

#include "descriptors.hpp"
#include "devices/mounts.hpp"
#include "private_mounts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/mount.h>
#include <sys/stat.h>

namespace aioxx::test {

/// Bytes that no two blocks have in common.
inline std::string random_bytes(std::size_t size) {
    std::mt19937_64 random{size + 1};
    std::string bytes(size, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random() >> 56U);
    }
    return bytes;
}

inline void write_file(const std::string& path, const std::string& content) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << content;
}

inline std::string content_of(const std::string& path) {
    std::error_code missing;
    const std::uintmax_t size = std::filesystem::file_size(path, missing);
    std::string all(missing ? 0 : static_cast<std::size_t>(size), '\0');
    std::ifstream{path, std::ios::binary}.read(all.data(),
                                               static_cast<std::streamsize>(all.size()));
    return all;
}

inline struct stat status_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        throw std::system_error(errno, std::generic_category(), path);
    }
    return status;
}

/// A directory on a disk, which goes with all that is in it, also when the program is killed.
class Workspace {
public:
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return directory_.file(name);
    }
    [[nodiscard]] const std::string& path() const noexcept { return directory_.path(); }

    /// A file with random content.
    [[nodiscard]] std::string file(const std::string& name, std::size_t size) const {
        write_file(*this / name, random_bytes(size));
        return *this / name;
    }
    /// The names in it, sorted.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator{path()}) {
            all.push_back(entry.path().filename().string());
        }
        std::sort(all.begin(), all.end());
        return all;
    }

private:
    TemporaryDirectory directory_;
};

/// A small tmpfs in a mount namespace of this process: it is gone with the process at the latest.
class SmallMount {
public:
    /// `options` as for mount(8): "size=1m".
    SmallMount(std::string path, const char* options) : path_(std::move(path)) {
        std::filesystem::create_directory(path_);
        static const std::string missing = enter_private_mounts();
        reason_ = missing;
        if (is_mounted() && ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options) != 0) {
            reason_ = std::string{"no tmpfs: "} + std::strerror(errno);
        }
    }
    SmallMount(const SmallMount&) = delete;
    SmallMount& operator=(const SmallMount&) = delete;
    ~SmallMount() {
        if (is_mounted()) {
            ::umount2(path_.c_str(), MNT_DETACH);
        }
    }

    /// False where this process may not mount.
    [[nodiscard]] bool is_mounted() const noexcept { return reason_.empty(); }
    /// Why it is not mounted.
    [[nodiscard]] const char* reason() const noexcept { return reason_.c_str(); }
    [[nodiscard]] bool make_read_only() const noexcept {
        return ::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
    }
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return path_ + "/" + name;
    }

private:
    std::string path_;
    std::string reason_;
};

} // namespace aioxx::test
