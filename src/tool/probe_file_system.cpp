// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_file_system.hpp"

#include <fstream>
#include <sstream>

#include <sys/vfs.h>

namespace tool {
namespace {

/// Blanks and their like stand there as "\040".
std::string unescaped(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool octal =
            text[i] == '\\' && text.size() - i > 3 && text[i + 1] >= '0' && text[i + 1] <= '3';
        plain += octal ? static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8)) : text[i];
        i += octal ? 3 : 0;
    }
    return plain;
}

std::string magic_number_of(int fd) {
    struct statfs status {};
    if (::fstatfs(fd, &status) != 0) {
        return "unknown";
    }
    std::ostringstream text;
    text << "unknown, of type 0x" << std::hex << static_cast<std::uint32_t>(status.f_type);
    return text.str();
}

} // namespace

std::string mount_of(int fd) {
    std::ifstream file{"/proc/self/fdinfo/" + std::to_string(fd)};
    std::string word;
    std::string number;
    while (file >> word) {
        if (word == "mnt_id:" && file >> number) {
            return number;
        }
    }
    return {};
}

/// A line: "36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/vda rw"
FileSystemReport file_system_of(int fd) {
    FileSystemReport report;
    const std::string wanted = mount_of(fd);
    std::ifstream file{"/proc/self/mountinfo"};
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream fields{line};
        std::string number;
        std::string skipped;
        std::string mount_point;
        if (!(fields >> number >> skipped >> skipped >> skipped >> mount_point) ||
            number != wanted) {
            continue;
        }
        while (fields >> skipped && skipped != "-") {
        }
        std::string source;
        fields >> report.type >> source >> report.options;
        report.source = unescaped(source);
        report.mount_point = unescaped(mount_point);
    }
    if (report.type.empty()) {
        report.type = magic_number_of(fd);
    }
    return report;
}

} // namespace tool
