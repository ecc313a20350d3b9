// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/mounts.hpp"
#include "devices/new_file_system.hpp"
#include "skip.hpp"

#include <aioxx/file/file.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

using namespace aioxx::test;

namespace {

std::uint32_t type_of(const std::string& path) {
    struct statfs status {};
    REQUIRE(::statfs(path.c_str(), &status) == 0);
    return static_cast<std::uint32_t>(status.f_type);
}

} // namespace

TEST_CASE("a temporary directory is on a disk, and goes with all that is in it") {
    std::string path;
    {
        const TemporaryDirectory directory;
        path = directory.path();
        CHECK(type_of(path) != std::uint32_t{TMPFS_MAGIC});
        std::filesystem::create_directories(directory.file("a/b"));
        std::ofstream{directory.file("a/b/c")} << "text";
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a tmpfs is full when it is said to be") {
    auto memory = attempt<Tmpfs>(mebibyte);
    if (!memory) {
        SKIP_CASE(memory.reason());
    }
    CHECK(type_of(memory->path()) == std::uint32_t{TMPFS_MAGIC});
    const aioxx::File file = aioxx::File::open(memory->file("f").c_str(), O_WRONLY | O_CREAT);
    const std::vector<char> data(3 * mebibyte / 2);
    CHECK(::write(file.fd(), data.data(), data.size()) == mebibyte);
    CHECK(::write(file.fd(), data.data(), data.size()) == -1);
    CHECK(errno == ENOSPC);
}

TEST_CASE("a mount that is busy goes all the same") {
    auto memory = attempt<Tmpfs>(mebibyte);
    if (!memory) {
        SKIP_CASE(memory.reason());
    }
    aioxx::File file;
    std::string path;
    {
        const Tmpfs busy{mebibyte};
        path = busy.path();
        file = aioxx::File::open(busy.file("f").c_str(), O_WRONLY | O_CREAT);
    }
    CHECK(file.is_open());
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(HostChange::failures() == 0);
}

TEST_CASE("a file system of each type is made on a loop device") {
    struct Type {
        const char* name;
        std::uint32_t magic;
    };
    for (const Type type : {Type{"ext4", EXT4_SUPER_MAGIC}, Type{"xfs", XFS_SUPER_MAGIC},
                            Type{"btrfs", BTRFS_SUPER_MAGIC}}) {
        CAPTURE(type.name);
        auto system = attempt<NewFileSystem<>>(type.name, 320 * mebibyte);
        if (!system) {
            SKIP_CASE(system.reason());
        }
        CHECK(type_of(system->path()) == type.magic);
        std::ofstream file{system->file("f")};
        CHECK((file << "text" << std::flush));
    }
}

TEST_CASE("an overlay shows its lower layer and writes to its upper one") {
    auto overlay = attempt<Overlay>();
    if (!overlay) {
        SKIP_CASE(overlay.reason());
    }
    CHECK(type_of(overlay->path()) == std::uint32_t{OVERLAYFS_SUPER_MAGIC});
    std::ofstream{overlay->lower() + "/below"} << "text";
    CHECK(std::filesystem::exists(overlay->file("below")));
    std::ofstream{overlay->file("f")} << "text";
    CHECK(std::filesystem::exists(overlay->upper() + "/f"));
}
