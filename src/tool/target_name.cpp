// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/target_name.hpp"

#include "tool/copy.hpp"
#include "tool/failure.hpp"
#include "tool/probe_file_system.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tool {
namespace {

bool has_capability(unsigned number) noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
    return ::syscall(SYS_capget, &header, sets) == 0 &&
           (sets[number / 32].effective >> number % 32 & 1U) != 0;
}

std::string directory_of(const std::string& path) {
    const std::string parent = std::filesystem::path{path}.parent_path().string();
    return parent.empty() ? "." : parent;
}

std::string mount_at(const char* path) {
    const int fd = ::open(path, O_PATH | O_CLOEXEC);
    std::string number = fd < 0 ? "" : mount_of(fd);
    ::close(fd);
    return number;
}

/// As a file that is bound into a container is one. rename() answers EBUSY.
bool is_mount_point(const std::string& path) {
    struct statx status {};
    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &status) == 0 &&
        (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0) {
        return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    }
    // Before Linux 5.8.
    return mount_at(path.c_str()) != mount_at(directory_of(path).c_str());
}

/// In a directory like /tmp only the owner of a file, or of the directory, may replace it.
bool is_kept_by_owner(const std::string& path, const struct stat& status) {
    struct stat parent {};
    if (::stat(directory_of(path).c_str(), &parent) != 0 || (parent.st_mode & S_ISVTX) == 0) {
        return false;
    }
    const uid_t user = ::geteuid();
    return status.st_uid != user && parent.st_uid != user && !has_capability(CAP_FOWNER);
}

/// chattr +a: it may be written to, and not be removed.
bool is_append_only(const std::string& path) {
    struct statx status {};
    return ::statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &status) == 0 &&
           (status.stx_attributes & STATX_ATTR_APPEND) != 0;
}

void require_replaceable(const std::string& name, const struct stat& status) {
    const std::string path = resolve_target(name);
    if (is_mount_point(path)) {
        throw Failure(name + ": is a mount point and cannot be replaced; --in-place writes to it");
    }
    if (is_append_only(path)) {
        throw Failure(name, "is append-only", EPERM);
    }
    if (is_kept_by_owner(path, status)) {
        throw Failure(name, "cannot replace another user's file in a sticky directory", EPERM);
    }
}

} // namespace

void require_regular_file(const std::string& name, const struct stat& status) {
    if (S_ISDIR(status.st_mode)) {
        throw Failure(name + ": is a directory");
    }
    if (!S_ISREG(status.st_mode)) {
        throw Failure(name + ": is not a regular file");
    }
}

bool is_directory(const std::string& name) noexcept {
    struct stat status {};
    return ::stat(name.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string resolve_target(const std::string& name) {
    struct stat status {};
    if (::lstat(name.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) {
        return name;
    }
    const std::unique_ptr<char, decltype(&std::free)> path{::realpath(name.c_str(), nullptr),
                                                           &std::free};
    if (path == nullptr) {
        throw Failure(name, "cannot follow the symbolic link", errno);
    }
    return path.get();
}

void check_target(const CopyOptions& options, const std::string& name,
                  const std::string& source_name, const struct stat& source) {
    struct stat status {};
    if (::stat(name.c_str(), &status) != 0) {
        if (errno != ENOENT) {
            throw Failure(name, "cannot create", errno);
        }
        if (name.empty() || name.back() == '/') {
            throw Failure(name, "cannot create", name.empty() ? ENOENT : ENOTDIR);
        }
        return;
    }
    require_regular_file(name, status);
    if (status.st_dev == source.st_dev && status.st_ino == source.st_ino) {
        throw Failure(name + ": is the same file as " + source_name);
    }
    // The directory would allow to replace it; a file that is write-protected is left alone.
    if (::faccessat(AT_FDCWD, name.c_str(), W_OK, AT_EACCESS) != 0) {
        throw Failure(name, "cannot write", errno);
    }
    if (!options.in_place) {
        require_replaceable(name, status);
    }
}

} // namespace tool
