// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command_for_everybody.hpp"
#include "files.hpp"
#include "privileges.hpp"
#include "probe_json.hpp"
#include "skip.hpp"

#include "devices/block_devices.hpp"

#include <grp.h>
#include <sys/resource.h>

using namespace aioxx::test;

namespace {

constexpr unsigned nobody = 65534;

void fails(const Tool& tool, const std::vector<std::string>& parts) {
    const Outcome end = tool.run();
    CAPTURE(end.errors);
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with(parts));
    CHECK(end.out.empty());
}

void become_nobody() {
    const gid_t group = nobody;
    if (::setgroups(1, &group) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0) {
        ::_exit(126);
    }
}

} // namespace

TEST_CASE("wrong usage of probe is one line and status 2") {
    const std::vector<std::vector<std::string>> cases{
        {"probe"}, {"probe", "/tmp", "/tmp"}, {"probe", "/tmp", "--xml"}, {"probe", "--json"}};
    for (const auto& arguments : cases) {
        const Outcome end = Tool{arguments}.run();
        CAPTURE(end.errors);
        CHECK(end.status == 2);
        CHECK(end.is_one_line_with({}));
        CHECK(end.out.empty());
    }
    const Outcome help = Tool{{"probe", "--help"}}.run();
    CHECK(help.status == 0);
    CHECK(help.out.find("PATH") != std::string::npos);
    CHECK(help.out.find("--json") != std::string::npos);
}

TEST_CASE("what is missing, and what is no place for data, is one line that says so") {
    const Workspace here;
    const std::string file = here.file("file", 10);
    REQUIRE(::mkfifo((here / "fifo").c_str(), 0600) == 0);
    std::filesystem::create_symlink("nothing", here / "link");
    fails({{"probe", here / "nothing"}}, {here / "nothing", "No such file"});
    fails({{"probe", here / "link"}}, {here / "link", "No such file"});
    fails({{"probe", file + "/in"}}, {file + "/in", "Not a directory"});
    fails({{"probe", ""}}, {"No such file"});
    fails({{"probe", here / "fifo"}}, {here / "fifo", "neither a file nor a directory"});
    fails({{"probe", "/dev/null"}}, {"/dev/null", "neither a file nor a directory"});
    fails({{"probe", "/proc"}}, {"/proc", "cannot make a temporary file"});
}

TEST_CASE("a directory on a file system that is mounted read-only") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Workspace here;
    const SmallMount small{here / "mount", "size=4m"};
    if (!small.is_mounted()) {
        SKIP_CASE(small.reason());
    }
    write_file(small / "file", random_bytes(100'000));
    REQUIRE(small.make_read_only());
    fails({{"probe", here / "mount"}}, {here / "mount", "Read-only file system"});

    // What can be read is.
    const Json report = probe_of(small / "file");
    CHECK(report["writes_not_tried"].get<std::string>().find("Read-only") != std::string::npos);
    CHECK(has_access(report, "read", false));
    CHECK(!has_access(report, "overwrite", false));
    CHECK(!report["opcodes"].contains("write"));
}

TEST_CASE("a disk that is full") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Workspace here;
    const SmallMount small{here / "mount", "size=512k"};
    if (!small.is_mounted()) {
        SKIP_CASE(small.reason());
    }
    write_file(small / "file", random_bytes(100'000));
    fails({{"probe", here / "mount"}}, {here / "mount", "No space left on device"});

    const Json report = probe_of(small / "file");
    CHECK(report["writes_not_tried"].get<std::string>().find("No space left") != std::string::npos);
    CHECK(has_access(report, "read", false));
    CHECK(content_of(small / "file") == random_bytes(100'000));
}

TEST_CASE("a limit on the size of files") {
    const Workspace here;
    Tool tool{{"probe", here.path()}};
    tool.before_exec = [] {
        const rlimit small{100'000, 100'000};
        ::setrlimit(RLIMIT_FSIZE, &small);
    };
    fails(tool, {here.path(), "File too large"});
    CHECK(here.names().empty());
}

TEST_CASE("standard output that is full") {
    const Workspace here;
    Tool tool{{"probe", here.path()}};
    tool.before_exec = [] {
        const int full = ::open("/dev/full", O_WRONLY);
        ::dup2(full, STDOUT_FILENO);
    };
    fails(tool, {"standard output", "No space left on device"});
}

TEST_CASE("an ordinary user probes what is his, and is told what he may not") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    if (!may_become_another_user() || !has_capability(CAP_CHOWN)) {
        SKIP_CASE("needs root that may become another user, and chown");
    }
    const CommandForEverybody command;
    const Workspace here;
    std::filesystem::permissions(here.path(), std::filesystem::perms{0755});
    Tool tool;
    tool.program = command.program();
    tool.before_exec = become_nobody;
    std::filesystem::create_directory(here / "his");
    REQUIRE(::chown((here / "his").c_str(), nobody, nobody) == 0);
    const std::string secret = here.file("secret", 5000);
    const std::string readable = here.file("readable", 5000);
    REQUIRE(::chmod(secret.c_str(), 0600) == 0);
    REQUIRE(::chmod(readable.c_str(), 0644) == 0);

    tool.arguments = {"probe", "--json", here / "his"};
    const Json his = parsed(tool.run());
    CHECK(has_access(his, "overwrite", false));
    CHECK(access_of(his, "read", false)["error"].is_null());
    CHECK(his["contexts"]["processes_not_readable"].get<unsigned>() > 0);
    CHECK(std::filesystem::is_empty(here / "his"));

    tool.arguments = {"probe", "--json", readable};
    const Json others = parsed(tool.run());
    CHECK(others["writes_not_tried"].get<std::string>().find("Permission denied") !=
          std::string::npos);
    CHECK(has_access(others, "read", false));

    tool.arguments = {"probe", here.path()};
    fails(tool, {here.path(), "Permission denied"});
    tool.arguments = {"probe", secret};
    fails(tool, {secret, "Permission denied"});

    auto device = attempt<LoopDevice>(4 * mebibyte);
    if (!device) {
        SKIP_CASE(device.reason());
    }
    tool.arguments = {"probe", device->path()};
    fails(tool, {device->path(), "Permission denied"});
}
