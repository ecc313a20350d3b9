// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "files.hpp"
#include "probe_json.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>
#include <aioxx/version.hpp>

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

/// In place of a file of /proc, in a mount namespace of the child.
void show_instead_of(const std::string& path, const std::string& content) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(content.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        ::_exit(125);
    }
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
    const Workspace here;
    CHECK(held_here(probe_of(here.path())) == 0);
    const aioxx::Context first{7};
    const aioxx::Context second{7};
    const Json report = probe_of(here.path());
    CHECK(held_here(report) == 2);
    CHECK(report["limits"]["aio_nr"].get<unsigned>() >= 14);
}

TEST_CASE("the text carries what the JSON does") {
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
                                   "opcodes"};
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
    if (::geteuid() != 0 || ::access(setting, F_OK) != 0) {
        SKIP_CASE("needs root, and a kernel that has the sysctl");
    }
    const Workspace here;
    write_file(here / "two", "2\n");
    const Json report = probe_of(here.path(), [&] {
        show_instead_of(setting, here / "two");
        refuse_call(call_io_uring_setup, EPERM);
    });
    CHECK(report["io_uring"]["cause"] == "sysctl");
    CHECK(report["io_uring"]["detail"] == "kernel.io_uring_disabled = 2");
}

TEST_CASE("where there is no kernel AIO, the rest is told all the same") {
    const Workspace here;
    const Json report = probe_of(here.path(), [] { refuse_call(SYS_io_setup, ENOSYS); });
    CHECK(report["kernel_aio_error"].is_string());
    CHECK(report["accesses"].empty());
    CHECK(report["kernel"]["release"].is_string());
    CHECK(here.names().empty());
}

TEST_CASE("a file is read and not written: content and times stay, and nothing comes beside it") {
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
