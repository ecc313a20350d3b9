// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "child.hpp"
#include "files.hpp"
#include "private_mounts.hpp"
#include "probe_json.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>
#include <aioxx/version.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

using namespace aioxx::test;

namespace {

constexpr long call_io_uring_setup = 425;

/// How many contexts `report` says that this process holds.
unsigned held_here(const Json& report) {
    for (const Json& each : report["contexts"]["holders"]) {
        if (each["process"] == ::getpid()) {
            return each["contexts"].get<unsigned>();
        }
    }
    return 0;
}

void kill_who_makes_io_urings() {
    sock_filter filter[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call_io_uring_setup},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog program{std::size(filter), filter};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        ::_exit(126);
    }
}

/// In place of a file of /proc, for the calling child alone. Why that cannot be had, or nothing.
std::string show_instead_of(const std::string& path, const std::string& content) {
    std::string reason = enter_private_mounts();
    if (reason.empty() && ::mount(content.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        reason = "nothing is mounted over " + path + ": " + std::strerror(errno);
    }
    return reason;
}

} // namespace

TEST_CASE("probe tells kernel, version, backend and limits") {
    const Workspace here;
    const Json report = probe_of(here.path());
    utsname names{};
    REQUIRE(::uname(&names) == 0);
    CHECK(report["kernel"]["release"] == names.release);
    CHECK(report["version"] == std::to_string(AIOXX_VERSION_MAJOR) + "." +
                                   std::to_string(AIOXX_VERSION_MINOR) + "." +
                                   std::to_string(AIOXX_VERSION_PATCH));
    const std::string backend = report["backend"];
    CHECK((backend == "libaio" || backend == "system calls"));
    CHECK(report["limits"]["aio_max_nr"] == aioxx::limits().allowed);
    CHECK(report["path"] == here.path());
}

TEST_CASE("probe tells who holds contexts, and how many") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Workspace here;
    CHECK(held_here(probe_of(here.path())) == 0);
    const aioxx::Context first{7};
    const aioxx::Context second{7};
    const Json report = probe_of(here.path());
    CHECK(held_here(report) == 2);
    CHECK(report["limits"]["aio_nr"].get<unsigned>() >= 14);
}

TEST_CASE("the text carries what the JSON does") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Workspace here;
    const Json report = probe_of(here.path());
    const Outcome end = Tool{{"probe", here.path()}}.run();
    CHECK(end.status == 0);
    CHECK(end.errors.empty());
    std::vector<std::string> words{here.path(),
                                   report["kernel"]["release"],
                                   report["backend"],
                                   report["file_system"]["type"],
                                   "aio-max-nr " + report["limits"]["aio_max_nr"].dump(),
                                   "io_uring",
                                   "direct I/O",
                                   "kernel AIO       available",
                                   "opcodes"};
    CHECK(report["kernel_aio"] == true);
    if (const Json& mounted = report["file_system"]["mount_point"]; mounted.is_string()) {
        words.push_back(mounted); // which a chroot does not see
    }
    for (const auto& [name, error] : report["opcodes"].items()) {
        words.push_back(name);
    }
    for (const auto& [name, error] : report["flags"]["buffered"]["write"].items()) {
        words.push_back(name);
    }
    for (const Json& access : report["accesses"]) {
        const std::string name = access["access"];
        words.push_back(name == "cached read"
                            ? "buffered read, cached"
                            : (access["direct"] == true ? "direct " : "buffered ") + name);
    }
    for (const std::string& word : words) {
        CAPTURE(word);
        CHECK(end.out.find(word) != std::string::npos);
    }
}

TEST_CASE("the text fits on a screen") {
    const Workspace here;
    const Outcome end = Tool{{"probe", here.path()}}.run();
    CHECK(std::count(end.out.begin(), end.out.end(), '\n') <= 36);
    std::istringstream lines{end.out};
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 120); // who holds contexts is the machine's business
    }
}

TEST_CASE("probe knows io_uring, and who refuses it") {
    const Workspace here;
    const Json report = probe_of(here.path());
    const bool available = report["io_uring"]["available"];
    CHECK(report["io_uring"]["cause"].is_null() == available);

    const Json refused =
        probe_of(here.path(), [] { refuse_call(call_io_uring_setup, EPERM); })["io_uring"];
    CHECK(refused["available"] == false);
    CHECK(refused["error"] == "EPERM");
    const Json killed = probe_of(here.path(), kill_who_makes_io_urings)["io_uring"];
    CHECK(killed["available"] == false);
    CHECK(killed["cause"] == "seccomp");
    if (available) { // or else the sysctl is the cause
        CHECK(refused["cause"] == "seccomp");
        const Json unknown =
            probe_of(here.path(), [] { refuse_call(call_io_uring_setup, ENOSYS); })["io_uring"];
        CHECK(unknown["error"] == "ENOSYS");
        CHECK((unknown["cause"] == "seccomp" || unknown["cause"] == "kernel"));
    }
}

TEST_CASE("where the sysctl has io_uring switched off, probe says so") {
    constexpr const char* setting = "/proc/sys/kernel/io_uring_disabled";
    if (::access(setting, F_OK) != 0) {
        SKIP_CASE("a kernel without kernel.io_uring_disabled");
    }
    const Workspace here;
    write_file(here / "two", "2\n");
    const ChildEnd tried = run_in_child([&] {
        const std::string reason = show_instead_of(setting, here / "two");
        std::fputs(reason.c_str(), stderr);
        return reason.empty() ? 0 : 1;
    });
    if (tried.status != 0) {
        SKIP_CASE(tried.errors.c_str());
    }
    const Json report = probe_of(here.path(), [&] {
        if (!show_instead_of(setting, here / "two").empty()) {
            ::_exit(125);
        }
        refuse_call(call_io_uring_setup, EPERM);
    });
    CHECK(report["io_uring"]["cause"] == "sysctl");
    CHECK(report["io_uring"]["detail"] == "kernel.io_uring_disabled = 2");
}

TEST_CASE("probe tells what a flush takes, by kernel AIO and by a thread") {
    SKIP_WITHOUT_KERNEL_AIO("it measures the one");
    const Workspace here;
    const Json report = probe_of(here.path());
    CHECK(report["flush"]["kernel_aio_us"].get<double>() > 0);
    CHECK(report["flush"]["thread_us"].get<double>() > 0);
    CHECK(report["fuse"].is_null());
    const Outcome text = Tool{{"probe", here.path()}}.run();
    CHECK(text.out.find("µs by kernel AIO, ") != std::string::npos);
    CHECK(text.out.find("µs by a thread") != std::string::npos);
    // Without kernel AIO the one, without threads the other.
    const Json threads = probe_of(here.path(), [] { refuse_call(SYS_io_setup, ENOSYS); });
    CHECK(threads["flush"]["kernel_aio_us"].is_null());
    CHECK(threads["flush"]["thread_us"].get<double>() > 0);
    const Json kernel = probe_of(here.path(), [] { refuse_call(SYS_clone3, EAGAIN); });
    CHECK(kernel["flush"]["kernel_aio_us"].get<double>() > 0);
    CHECK(kernel["flush"]["thread_us"].is_null());
}

TEST_CASE("where kernel AIO is refused, probe says by what") {
    const Workspace here;
    const std::vector<std::pair<int, std::string>> causes{
        {ENOSYS, "seccomp"}, {EPERM, "seccomp"}, {EAGAIN, "sysctl"}};
    for (const auto& each : causes) {
        const int number = each.first;
        const std::string& cause = each.second;
        CAPTURE(number);
        const auto refuse = [number] { refuse_call(SYS_io_setup, number); };
        const Json report = probe_of(here.path(), refuse);
        CHECK(report["kernel_aio"] == false);
        CHECK(report["kernel_aio_cause"] == cause);
        Tool tool{{"probe", here.path()}};
        tool.before_exec = refuse;
        const std::string text = tool.run().out;
        CHECK(text.find("not available") != std::string::npos);
        CHECK(text.find(cause == "sysctl" ? "fs.aio-max-nr" : "seccomp filter") !=
              std::string::npos);
    }
}

TEST_CASE("a long name and one that is not ASCII is whole") {
    const Workspace here;
    std::string path = here.path();
    for (const char* const name : {"Schlüssel", "鍵", "ключ"}) {
        path += std::string{"/"} + name + std::string(100, 'x');
    }
    std::filesystem::create_directories(path);
    const Outcome end = Tool{{"probe", path}}.run();
    CHECK(end.status == 0);
    CHECK(end.out.find("path             " + path + "\n") != std::string::npos);
}

TEST_CASE("the columns of the table stand below each other") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Workspace here;
    const Outcome end = Tool{{"probe", here.path()}}.run();
    std::istringstream lines{end.out};
    std::size_t column = 0;
    unsigned rows = 0;
    for (std::string line; std::getline(lines, line);) {
        // Of two bytes, and one column.
        for (std::size_t at = 0; (at = line.find("µ", at)) != std::string::npos;) {
            line.replace(at, 2, "u");
        }
        if (const std::size_t at = line.find("submission");
            at != std::string::npos && column == 0) {
            column = at;
        } else if (column != 0 &&
                   (line.rfind("direct ", 0) == 0 || line.rfind("buffered ", 0) == 0)) {
            CAPTURE(line);
            CHECK(line[column - 1] == ' ');
            CHECK(line[column] != ' ');
            ++rows;
        }
    }
    CHECK(rows >= 6);
}

TEST_CASE("probe and df have one name for a file system") {
    const Workspace here;
    const HostChange df{"df --output=fstype " + here.path() + " | tail -n 1", "true"};
    const auto type = probe_of(here.path())["file_system"]["type"].get<std::string>();
    if (df.output() == "-") { // in a chroot below its mount point neither has
        CHECK(type.rfind("unknown, of type 0x", 0) == 0);
    } else {
        CHECK(type == df.output());
    }
}

TEST_CASE("where there is no kernel AIO, the rest is told all the same") {
    const Workspace here;
    const Json report = probe_of(here.path(), [] { refuse_call(SYS_io_setup, ENOSYS); });
    CHECK(report["kernel_aio"] == false);
    CHECK(report["kernel_aio_error"].is_string());
    CHECK(report["accesses"].empty());
    CHECK(report["kernel"]["release"].is_string());
    CHECK(here.names().empty());
}

TEST_CASE("a file is read and not written: content and times stay, and nothing comes beside it") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Workspace here;
    const std::string path = here.file("file", 1'000'000);
    const struct stat before = status_of(path);
    const Json report = probe_of(path);
    const struct stat after = status_of(path);
    CHECK(report["kind"] == "file");
    CHECK(report["size"] == 1'000'000);
    CHECK(report["reads_of_temporary_file"] == false);
    CHECK(report["writes_not_tried"].is_null());
    CHECK(report["accesses"].size() >= 6);
    CHECK(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
    CHECK(after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    CHECK(after.st_atim.tv_nsec == before.st_atim.tv_nsec);
    CHECK(content_of(path) == random_bytes(1'000'000));
    CHECK(here.names() == std::vector<std::string>{"file"});
}

TEST_CASE("files that are empty, tiny, or nothing but a hole are probed") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Workspace here;
    const std::string empty = here.file("empty", 0);
    const std::string tiny = here.file("tiny", 1);
    const std::string hole = here.file("hole", 0);
    REQUIRE(::truncate(hole.c_str(), 1'000'000) == 0);
    for (const std::string& path : {empty, tiny, hole}) {
        CAPTURE(path);
        const Json report = probe_of(path);
        CHECK(report["reads_of_temporary_file"] == (path != tiny));
        const Json read = access_of(report, "read", false);
        REQUIRE(!read.empty());
        CHECK(read["error"].is_null());
    }
    CHECK(here.names().size() == 3);
}

TEST_CASE("of a file under /proc probe does not say that it is empty") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Outcome end = Tool{{"probe", "/proc/version"}}.run();
    CHECK(end.status == 0);
    CHECK(end.out.find("not tried: /proc/version: says that its size is 0") != std::string::npos);
}

TEST_CASE("a name of any bytes is text on one line, and JSON") {
    const Workspace here;
    const std::string path = here.file("a\n\xff\x1b[31m", 5000);
    CHECK(probe_of(path)["kind"] == "file");
    const Outcome end = Tool{{"probe", path}}.run();
    CHECK(end.status == 0);
    CHECK(end.out.find('\x1b') == std::string::npos);
    CHECK(end.out.find("/a?") != std::string::npos);
}
