// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace aioxx::test {

/// Gives the calling process (while it has one thread) a mount namespace of its own: no other
/// process sees what it mounts from now on, and it is gone with the process at the latest.
///
/// Returns why that cannot be had here, and an empty string when it is: root alone is no reason, in
/// a container it may mount nothing.
inline std::string enter_private_mounts() {
    const auto failed = [](const char* what) { return std::string{what} + std::strerror(errno); };
    if (::unshare(CLONE_NEWNS) != 0) {
        return failed("no mount namespace of its own: ");
    }
    const auto make_private = [](const char* path, unsigned long flags) {
        return ::mount(nullptr, path, nullptr, MS_PRIVATE | flags, nullptr) == 0;
    };
    if (make_private("/", MS_REC)) {
        return {};
    }
    // In a chroot, / may be no mount point, and what it lies on is out of reach, shared or not. A
    // copy of all of it can be made private, and becomes /. It is put where the mount does not
    // show elsewhere, and where no program looks.
    constexpr const char* place = "/proc/fs";
    std::error_code unknown;
    const std::filesystem::path here = std::filesystem::current_path(unknown);
    if (!make_private("/proc", 0) || ::mount("/", place, nullptr, MS_BIND | MS_REC, nullptr) != 0 ||
        ::chroot(place) != 0 || ::chdir(unknown ? "/" : here.c_str()) != 0 ||
        !make_private("/", MS_REC)) {
        return failed("no mounts of its own in this chroot: ");
    }
    return {};
}

} // namespace aioxx::test
