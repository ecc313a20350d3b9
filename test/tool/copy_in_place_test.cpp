// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Targets that cannot be replaced, and --in-place.
#include "command_for_everybody.hpp"
#include "files.hpp"
#include "skip.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>

using namespace aioxx::test;

namespace {

/// It fails with one line before anything is written beside the target.
void is_found_before_copying(const Tool& tool, const std::vector<std::string>& parts) {
    bool made = false;
    const Outcome end = tool.trace([&](const Stop& stop) {
        made |= stop.number == SYS_openat && (stop.arguments[2] & O_ACCMODE) != O_RDONLY;
        return Then::go_on;
    });
    CAPTURE(end.errors);
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with(parts));
    CHECK_FALSE(made);
}

} // namespace

TEST_CASE("a target that is a mount point is found before copying, and --in-place writes to it") {
    const Workspace here;
    const std::string source = here.file("source", 3'000'000);
    const SmallMount mount{here / "mount", "size=8m"};
    if (!mount.is_mounted()) {
        SKIP_CASE(mount.reason());
    }
    const std::string target = mount / "target";
    const std::string bound = here / "bound";
    write_file(target, "in the container");
    write_file(bound, "outside, and longer");
    std::filesystem::create_symlink("target", mount / "link");
    REQUIRE(::chmod(bound.c_str(), 0640) == 0);
    REQUIRE(::mount(bound.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) == 0);
    for (const std::string& name : {target, mount / "link"}) {
        is_found_before_copying({{"copy", source, name}}, {name, "mount point", "--in-place"});
        CHECK(content_of(bound) == "outside, and longer");
    }
    const auto inode = status_of(bound).st_ino;
    const Outcome end = copy({"--in-place", "--verify", source, mount / "link"});
    CAPTURE(end.errors);
    CHECK(end.status == 0);
    CHECK(end.errors.empty());
    CHECK(content_of(bound) == content_of(source));
    CHECK(status_of(bound).st_ino == inode);
    CHECK((status_of(bound).st_mode & 07777U) == 0640);
    ::umount(target.c_str());
}

TEST_CASE("a file that the owner of its directory alone may replace is found before copying") {
    const CommandForEverybody command;
    const Workspace here;
    const std::string source = here.file("source", 3'000'000);
    std::filesystem::create_directory(here / "sticky");
    write_file(here / "sticky/target", "old");
    REQUIRE(::chmod(source.c_str(), 0644) == 0);
    REQUIRE(::chmod(here.path().c_str(), 0755) == 0);
    REQUIRE(::chmod((here / "sticky/target").c_str(), 0666) == 0);
    REQUIRE(::chmod((here / "sticky").c_str(), 01777) == 0);
    if (::chown((here / "sticky/target").c_str(), 12345, 12345) != 0) {
        SKIP_CASE("chown needs root");
    }
    Tool tool{{"copy", source, here / "sticky/target"}};
    tool.program = command.program();
    tool.before_exec = [] { CHECK((::setgid(54321) == 0 && ::setuid(54321) == 0)); };
    is_found_before_copying(tool, {here / "sticky/target", "not permitted"});
    tool.arguments.insert(tool.arguments.begin() + 1, "--in-place");
    CHECK(tool.run().status == 0);
    CHECK(content_of(here / "sticky/target") == content_of(source));
}

TEST_CASE("a file that may only be appended to is found before copying") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    write_file(here / "target", "old");
    const Descriptor target{::open((here / "target").c_str(), O_RDONLY | O_CLOEXEC)};
    int flags = FS_APPEND_FL;
    if (::ioctl(target, FS_IOC_SETFLAGS, &flags) != 0) {
        SKIP_CASE("no such flag here, or not root");
    }
    is_found_before_copying({{"copy", source, here / "target"}},
                            {here / "target", "not permitted"});
    flags = 0;
    REQUIRE(::ioctl(target, FS_IOC_SETFLAGS, &flags) == 0);
}

TEST_CASE("--in-place keeps the target's file, its mode and its other names") {
    const Workspace here;
    for (const std::size_t size : {0U, 10U, 3'000'000U}) {
        CAPTURE(size);
        const std::string source = here.file("source", size);
        write_file(here / "target", random_bytes(4'000'000));
        REQUIRE(::chmod((here / "target").c_str(), 0640) == 0);
        std::filesystem::create_hard_link(here / "target", here / "other");
        CHECK(copy({"--in-place", "--verify", source, here / "target"}).status == 0);
        CHECK(content_of(here / "other") == content_of(source));
        CHECK((status_of(here / "target").st_mode & 07777U) == 0640);
        CHECK(here.names() == std::vector<std::string>{"other", "source", "target"});
        ::unlink((here / "other").c_str());
    }
}

TEST_CASE("--in-place makes a file that is not there, with the source's mode") {
    const Workspace here;
    const std::string source = here.file("source", 50'000);
    REQUIRE(::chmod(source.c_str(), 0751) == 0);
    CHECK(copy({"--in-place", "--verify", source, here / "target"}).status == 0);
    CHECK(content_of(here / "target") == content_of(source));
    CHECK((status_of(here / "target").st_mode & 07777U) == 0751);
}

TEST_CASE("--in-place leaves the target as it is where the copy cannot begin") {
    const Workspace here;
    const std::string source = here.file("source", 50'000);
    write_file(here / "target", "old");
    std::filesystem::create_hard_link(source, here / "same");
    CHECK(copy({"--in-place", source, here / "same"}).status == 1);
    CHECK(content_of(source) == random_bytes(50'000));
    Tool tool{{"copy", "--in-place", "--direct=always", source, here / "target"}};
    tool.before_exec = [] { refuse_call(call_fcntl, EINVAL, 1, F_SETFL); };
    CHECK(tool.run().status == 1);
    CHECK(content_of(here / "target") == "old");
}

TEST_CASE("a target that may be written and not read is written in place") {
    const CommandForEverybody command;
    const Workspace here;
    const std::string source = here.file("source", 50'000);
    write_file(here / "target", "old");
    REQUIRE(::chmod((here / "target").c_str(), 0200) == 0);
    Tool tool{{"copy", "--in-place", source, here / "target"}};
    tool.program = command.program();
    tool.before_exec = obey_permissions;
    CHECK(tool.run().status == 0);
    REQUIRE(::chmod((here / "target").c_str(), 0600) == 0);
    CHECK(content_of(here / "target") == content_of(source));
    REQUIRE(::chmod((here / "target").c_str(), 0200) == 0);
    tool.arguments.insert(tool.arguments.begin() + 1, "--verify");
    CHECK(tool.run().is_one_line_with({here / "target", "Permission denied"}));
}
