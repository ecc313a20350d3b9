// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/posix_program.hpp"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <elf.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace tool {
namespace {

bool is_executable_file(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

/// The start of a file of the linker's.
struct Elf {
    unsigned char file_class = ELFCLASSNONE; // and then it is none
    std::uint16_t machine = EM_NONE;
    std::string linker; // the dynamic linker that it asks for; empty: for none
};

template <typename T>
bool read_at(std::istream& file, std::uint64_t offset, T& value) {
    file.seekg(static_cast<std::streamoff>(offset));
    return static_cast<bool>(file.read(reinterpret_cast<char*>(&value), sizeof(value)));
}

template <typename FileHeader, typename ProgramHeader>
void read_headers(std::istream& file, Elf& elf) {
    FileHeader header{};
    if (!read_at(file, 0, header)) {
        return;
    }
    elf.machine = header.e_machine;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        ProgramHeader segment{};
        if (!read_at(file, header.e_phoff + std::uint64_t{i} * header.e_phentsize, segment)) {
            return;
        }
        if (segment.p_type == PT_INTERP) {
            elf.linker.resize(
                static_cast<std::size_t>(std::min<std::uint64_t>(segment.p_filesz, PATH_MAX)));
            file.seekg(static_cast<std::streamoff>(segment.p_offset));
            file.read(elf.linker.data(), static_cast<std::streamsize>(elf.linker.size()));
            elf.linker.resize(std::strlen(elf.linker.c_str()));
        }
    }
}

Elf elf_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    Elf elf;
    unsigned char ident[EI_NIDENT] = {};
    if (!read_at(file, 0, ident) || std::memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return elf;
    }
    elf.file_class = ident[EI_CLASS];
    if (elf.file_class == ELFCLASS64) {
        read_headers<Elf64_Ehdr, Elf64_Phdr>(file, elf);
    } else {
        read_headers<Elf32_Ehdr, Elf32_Phdr>(file, elf);
    }
    return elf;
}

/// Whether that dynamic linker is glibc's, as ld-linux-x86-64.so.2, ld64.so.2 and ld.so.1 are.
bool is_of_glibc(const std::string& linker) {
    const std::string name = linker.substr(linker.rfind('/') + 1);
    const auto begins_with = [&name](const char* start) { return name.rfind(start, 0) == 0; };
    return begins_with("ld-linux") || begins_with("ld64.so.") || begins_with("ld.so.");
}

/// The file that the kernel starts for `path`: a script's interpreter.
std::string started_for(std::string path) {
    constexpr int most_levels = 5; // of the kernel
    for (int level = 0; level < most_levels; ++level) {
        std::ifstream file{path};
        std::string line;
        std::string interpreter;
        std::getline(file, line);
        if (line.rfind("#!", 0) != 0 || !(std::istringstream{line.substr(2)} >> interpreter)) {
            break;
        }
        path = interpreter;
    }
    return path;
}

/// Whether the program gets rights that its caller has not: then no path in LD_PRELOAD counts.
bool gives_rights(const std::string& path) {
    struct stat status {};
    struct statvfs mounted {};
    if (::stat(path.c_str(), &status) != 0 || ::statvfs(path.c_str(), &mounted) != 0 ||
        (mounted.f_flag & ST_NOSUID) != 0 || ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
        return false;
    }
    constexpr mode_t group = S_ISGID | S_IXGRP;
    return ((status.st_mode & S_ISUID) != 0 && status.st_uid != ::getuid()) ||
           ((status.st_mode & group) == group && status.st_gid != ::getgid()) ||
           (::getuid() != 0 && ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0);
}

} // namespace

std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return name;
    }
    const char* const path = std::getenv("PATH");
    std::istringstream directories{path != nullptr ? path : "/bin:/usr/bin"};
    for (std::string directory; std::getline(directories, directory, ':');) {
        std::string candidate = (directory.empty() ? "." : directory) + '/' + name;
        if (is_executable_file(candidate)) {
            return candidate;
        }
    }
    return {};
}

std::string why_not_reached(const std::string& program, const std::string& library) {
    const std::string started = started_for(program);
    const Elf elf = elf_of(started);
    const Elf ours = elf_of(library);
    if (elf.file_class == ELFCLASSNONE) {
        return {};
    }
    if (elf.linker.empty()) {
        return "it is statically linked";
    }
    if (elf.file_class != ours.file_class) {
        return elf.file_class == ELFCLASS32 ? "it is a 32-bit program, and the library has 64 bits"
                                            : "it is a 64-bit program, and the library has 32 bits";
    }
    if (elf.machine != ours.machine) {
        return "it is a program for another kind of machine";
    }
    if (!is_of_glibc(elf.linker)) {
        return "it is a program of another C library than glibc (" + elf.linker + ")";
    }
    if (gives_rights(started)) {
        return "it is setuid, setgid or has capabilities, so that LD_PRELOAD is ignored";
    }
    return {};
}

} // namespace tool
