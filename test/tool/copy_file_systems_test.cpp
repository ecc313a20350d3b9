// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What not every file system and directory has: a copy is made there all the same, and one line
// tells what was not.
#include "command_for_everybody.hpp"
#include "devices/fuse_server.hpp"
#include "devices/new_file_system.hpp"
#include "extents.hpp"
#include "files.hpp"
#include "skip.hpp"

#include <algorithm>
#include <initializer_list>

using namespace aioxx::test;

namespace {

/// It is copied, and one line with `parts` says what was not done; none at all without parts.
void succeeds(const Tool& tool, const std::string& source, const std::string& target,
              const std::vector<std::string>& parts) {
    const Outcome end = tool.run();
    CAPTURE(end.errors);
    CHECK(end.status == 0);
    CHECK(end.out.empty());
    CHECK((parts.empty() ? end.errors.empty() : end.is_one_line_with(parts)));
    CHECK(content_of(target) == content_of(source));
}

/// Text, in other words: a tenth of it when it is compressed.
std::string compressible_bytes(std::size_t size) {
    std::string text(size, 'a');
    for (std::size_t at = 0; at < size; at += 512) {
        text[at] = static_cast<char>('a' + at / 512 % 26);
    }
    return text;
}

void set_flag(const std::string& path, unsigned flag, bool set) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    int flags = 0;
    REQUIRE(::ioctl(file, FS_IOC_GETFLAGS, &flags) == 0);
    flags = static_cast<int>(set ? static_cast<unsigned>(flags) | flag
                                 : static_cast<unsigned>(flags) & ~flag);
    REQUIRE(::ioctl(file, FS_IOC_SETFLAGS, &flags) == 0);
}

} // namespace

TEST_CASE("a directory that may be written and searched, and not read, takes copies") {
    const CommandForEverybody command;
    const Workspace here;
    const std::string source = here.file("source", 50'000);
    const std::string drop = here / "drop";
    std::filesystem::create_directory(drop);
    for (const mode_t mode : {0300U, 0333U}) {
        for (const bool nameless : {true, false}) {
            for (const bool exists : {false, true}) {
                CAPTURE(mode);
                CAPTURE(nameless);
                CAPTURE(exists);
                REQUIRE(::chmod(drop.c_str(), 0700) == 0);
                ::unlink((drop + "/target").c_str());
                if (exists) {
                    write_file(drop + "/target", "old");
                }
                REQUIRE(::chmod(drop.c_str(), mode) == 0);
                for (const std::string& target : {drop + "/target", std::string{"target"}}) {
                    Tool tool{{"copy", "--verify", source, target}};
                    tool.program = command.program();
                    tool.before_exec = [&] {
                        CHECK(::chdir(drop.c_str()) == 0);
                        if (!nameless) {
                            refuse_nameless_files();
                        }
                        obey_permissions();
                    };
                    succeeds(tool, source, drop + "/target",
                             {target, "its directory could not be synced", "Permission denied"});
                }
                REQUIRE(::chmod(drop.c_str(), 0700) == 0);
                CHECK(std::distance(std::filesystem::directory_iterator{drop}, {}) == 1);
            }
        }
    }
}

TEST_CASE("a mode that is refused is remarked on, and one that is right is not asked for") {
    const Workspace here;
    const std::string source = here.file("source", 50'000);
    for (const int error : {EPERM, EACCES, EOPNOTSUPP, ENOSYS, EINVAL}) {
        for (const bool differs : {true, false}) {
            CAPTURE(error);
            CAPTURE(differs);
            REQUIRE(::chmod(source.c_str(), differs ? 0644 : 0600) == 0);
            Tool tool{{"copy", "--verify", source, here / "target"}};
            tool.before_exec = [&] { refuse_call(SYS_fchmod, error); };
            const std::string text = std::generic_category().message(error);
            succeeds(tool, source, here / "target",
                     differs ? std::vector{here / "target", std::string{"mode"}, text}
                             : std::vector<std::string>{});
            CHECK((status_of(here / "target").st_mode & 07777U) == 0600);
        }
    }
}

TEST_CASE("where nothing can be synced, one line says so for file and directory") {
    const Workspace here;
    const std::string source = here.file("source", 50'000);
    for (const int error : {EOPNOTSUPP, EINVAL, ENOSYS}) {
        CAPTURE(error);
        Tool tool{{"copy", "--verify", source, here / "target"}};
        tool.before_exec = [&] { refuse_call(SYS_fsync, error); };
        succeeds(tool, source, here / "target",
                 {here / "target", "it could not be synced", "its directory could not be synced",
                  std::generic_category().message(error)});
    }
}

TEST_CASE("what a file system in user space refuses is remarked on, and EIO is an error") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Workspace here;
    const std::string source = here.file("source", 50'000);
    const std::string target = server->file("target");
    const Tool tool{{"copy", "--verify", source, target}};
    succeeds(tool, source, target, {});
    for (const int error : {EACCES, EPERM, EOPNOTSUPP, EINVAL}) {
        CAPTURE(error);
        server->fail_directory_syncs(error);
        succeeds(tool, source, target, {target, "its directory could not be synced"});
    }
    server->fail_directory_syncs(EIO);
    Outcome end = tool.run();
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({target, "is complete", "directory", "Input/output error"}));
    server->fail_directory_syncs(0);

    for (const int error : {EOPNOTSUPP, EINVAL}) {
        CAPTURE(error);
        server->fail_syncs(error);
        succeeds(tool, source, target, {target, "it could not be synced"});
    }
    server->fail_syncs(EIO);
    end = tool.run();
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({target, "cannot sync", "Input/output error"}));
    server->fail_syncs(0);

    server->fail_modes(EOPNOTSUPP);
    REQUIRE(::chmod(source.c_str(), 0751) == 0);
    succeeds(tool, source, target, {target, "its mode could not be set"});
}

TEST_CASE("a file system that may lack holes is not made to write zeros") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Workspace here;
    const std::string source = here.file("source", 3'000'000);
    const unsigned long before = server->zeros();
    for (const char* const direct : {"--direct=auto", "--direct=never"}) {
        for (const char* const size : {"--block-size=4K", "--block-size=64K", "--block-size=4M"}) {
            CAPTURE(direct);
            CAPTURE(size);
            succeeds({{"copy", "--verify", direct, size, source, server->file("target")}}, source,
                     server->file("target"), {});
            CHECK(server->zeros() == before);
        }
    }
    // A hole has to be written there, and only that.
    const std::string holed = here.file("holed", 100'000);
    REQUIRE(::truncate(holed.c_str(), 1'000'000) == 0);
    succeeds({{"copy", "--verify", "--block-size=4K", holed, server->file("holed.copy")}}, holed,
             server->file("holed.copy"), {});
    CHECK(server->zeros() - before > 890'000);
    CHECK(server->zeros() - before <= 900'000);
}

TEST_CASE("writes in order end where one of them fails") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Workspace here;
    const std::string source = server->file("source.read-error-5");
    const Outcome end = copy({"--block-size=4K", source, server->file("target")});
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({source, "cannot read", "Input/output error"}));
}

TEST_CASE("a copy on btrfs is compressed where the mount or the directory says so") {
    auto disk = attempt<NewFileSystem<>>("btrfs");
    if (!disk) {
        SKIP_CASE(disk.reason());
    }
    const Workspace here;
    const std::string source = here / "source";
    write_file(source, compressible_bytes(8 << 20));
    const auto compressed = [&](const std::string& target) {
        const Outcome end = copy({"--verify", source, target});
        CAPTURE(end.errors);
        CHECK(end.status == 0);
        CHECK(content_of(target) == content_of(source));
        const ExtentCount count = count_extents(target, FIEMAP_EXTENT_ENCODED);
        CHECK(count.all > 0);
        CHECK((count.with_flag == 0 || count.with_flag == count.all));
        return count.with_flag != 0;
    };
    CHECK_FALSE(compressed(disk->file("plain")));
    std::filesystem::create_directory(disk->file("directory"));
    set_flag(disk->file("directory"), FS_COMPR_FL, true);
    CHECK(compressed(disk->file("directory/target")));

    for (const std::string option : {"compress=zstd", "compress-force=lzo"}) {
        CAPTURE(option);
        const HostChange remounted{"mount -o remount," + option + " " + disk->path(), "true"};
        CHECK(compressed(disk->file("mounted")));
    }
    std::filesystem::create_directory(disk->file("not"));
    set_flag(disk->file("not"), FS_NOCOMP_FL, true);
    CHECK_FALSE(compressed(disk->file("not/target")));
}

TEST_CASE("where the file system can clone, the copy shares its blocks unless that is not wanted") {
    for (const std::string type : {"btrfs", "xfs"}) {
        CAPTURE(type);
        auto disk = attempt<NewFileSystem<>>(type);
        if (!disk) {
            SKIP_CASE(disk.reason());
        }
        const std::string source = disk->file("source");
        write_file(source, random_bytes(3'000'001));
        const auto is_shared = [&](std::vector<std::string> options, const std::string& target) {
            options.insert(options.end(), {"--verify", source, target});
            const Outcome end = copy(options);
            CAPTURE(end.errors);
            CHECK(end.status == 0);
            CHECK(content_of(target) == content_of(source));
            const ExtentCount count = count_extents(target, FIEMAP_EXTENT_SHARED);
            return count.all > 0 && count.with_flag == count.all;
        };
        CHECK(is_shared({}, disk->file("a")));
        CHECK(is_shared({"--reflink=auto"}, disk->file("b")));
        CHECK(is_shared({"--reflink=always"}, disk->file("c")));
        CHECK_FALSE(is_shared({"--reflink=never"}, disk->file("d")));

        auto overlay = attempt<Overlay>(disk->path());
        if (!overlay) {
            SKIP_CASE(overlay.reason());
        }
        write_file(overlay->file("source"), random_bytes(3'000'001));
        CHECK(copy({"--verify", overlay->file("source"), overlay->file("target")}).status == 0);
        const ExtentCount count = count_extents(overlay->upper() + "/target", FIEMAP_EXTENT_SHARED);
        CHECK(count.all > 0);
        CHECK(count.with_flag == count.all);
    }
}

TEST_CASE("--reflink=always fails where nothing can be cloned, and leaves nothing behind") {
    const Workspace here;
    const SmallMount mount{here / "mount", "size=1m"};
    if (!mount.is_mounted()) {
        SKIP_CASE(mount.reason());
    }
    for (const std::size_t size : {0U, 100'000U}) {
        const std::string source = here.file("source", size);
        const Outcome end = copy({"--reflink=always", source, mount / "target"});
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with({mount / "target", "cannot clone", source}));
        CHECK(std::filesystem::is_empty(here / "mount"));
    }
}
