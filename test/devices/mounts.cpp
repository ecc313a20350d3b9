// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/mounts.hpp"

namespace aioxx::test {
namespace {

std::string formatted(const std::string& type, const std::string& device) {
    std::string command = "mkfs." + type;
    if (type == "ext4") {
        command += " -q -F -E lazy_itable_init=0,lazy_journal_init=0"; // no writes of its own later
    } else {
        command += " -q -f";
    }
    HostChange{command + ' ' + device, "true"};
    return "-t " + type + ' ' + device;
}

} // namespace

TemporaryDirectory::TemporaryDirectory(const std::string& parent)
    : made_("mktemp -d " + parent + "/aioxx-XXXXXX", "rm -rf --one-file-system \"$made\"") {}

Mount::Mount(const std::string& arguments)
    : mounted_("mount " + arguments + ' ' + directory_.path(),
               "umount " + directory_.path() + " 2>/dev/null || umount -l " + directory_.path()) {}

FileSystem::FileSystem(const std::string& type, const std::string& device)
    : mount_(formatted(type, device)) {}

Overlay::Overlay(const std::string& parent)
    : lower_(parent), upper_(parent), work_(parent),
      mount_("-t overlay -o lowerdir=" + lower_.path() + ",upperdir=" + upper_.path() +
             ",workdir=" + work_.path() + " overlay") {}

} // namespace aioxx::test
