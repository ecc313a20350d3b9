// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/block_devices.hpp"
#include "devices/fuse_server.hpp"
#include "devices/host_change.hpp"
#include "eventually.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace aioxx::test;

namespace {

bool exists(const std::string& path) {
    return std::filesystem::exists(path);
}

bool is_mounted(const std::string& path) {
    std::ifstream mounts{"/proc/self/mounts"};
    std::string line;
    while (std::getline(mounts, line)) {
        if (line.find(' ' + path + ' ') != std::string::npos) {
            return true;
        }
    }
    return false;
}

/// Runs a test case of this program by name in another process, which tells through a pipe what it
/// has made and then waits to be killed; kills it; and returns what it told once the last of its
/// guardian's descendants has closed that pipe as well.
std::string kill_while_running(const char* test_case) {
    int told[2];
    REQUIRE(::pipe(told) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(told[1], STDERR_FILENO); // which the guardian keeps open to its end
        ::close(told[0]);
        ::close(told[1]);
        const std::string filter = std::string{"--test-case="} + test_case;
        ::execl("/proc/self/exe", "devices_test", "--no-skip", filter.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(told[1]);
    std::string text;
    char c = 0;
    while (::read(told[0], &c, 1) == 1 && c != '\n') {
        text += c;
    }
    ::kill(child, SIGKILL);
    while (::read(told[0], &c, 1) == 1) { // until the guardian has finished
    }
    ::close(told[0]);
    ::waitpid(child, nullptr, 0);
    return text;
}

void tell_and_wait(const std::string& text) {
    const std::string line = text + '\n';
    REQUIRE(::write(STDERR_FILENO, line.data(), line.size()) > 0);
    for (;;) {
        ::pause();
    }
}

} // namespace

TEST_CASE("a change is there as long as its object") {
    std::string path;
    {
        const HostChange file{"f=$(mktemp) && echo text > $f && echo $f", "rm $made"};
        path = file.output();
        CHECK(exists(path));
    }
    CHECK_FALSE(exists(path));
}

TEST_CASE("a change is undone once when it was moved") {
    HostChange first{"mktemp", "rm $made"};
    const std::string path = first.output();
    {
        const HostChange second{std::move(first)};
        CHECK(exists(path));
    }
    CHECK_FALSE(exists(path));
    CHECK(HostChange::failures() == 0);
}

TEST_CASE("what cannot be made is missing, with the reason, and leaves nothing to undo") {
    const auto change = attempt<HostChange>("echo not today; exit 1", "echo unmade");
    CHECK_FALSE(change);
    CHECK(std::string{change.reason()} == "not today");
    const auto silent = attempt<HostChange>("false", "true");
    CHECK(std::string{silent.reason()} == "cannot: false");
}

TEST_CASE("a forked child undoes nothing") {
    SKIP_UNDER_VALGRIND("a child without what it takes for leaks");
    const HostChange file{"mktemp", "rm $made"};
    const pid_t child = ::fork();
    if (child == 0) {
        { HostChange copy{std::move(const_cast<HostChange&>(file))}; }
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(exists(file.output()));
}

TEST_CASE("changes go although the program is killed") {
    SKIP_UNDER_VALGRIND("a /proc/self/exe that is the program");
    const std::string path = kill_while_running("part: a directory");
    REQUIRE(path.starts_with("/var/tmp/aioxx-"));
    CHECK_FALSE(exists(path));
}

TEST_CASE("a mount, a device and a gate go although the program is killed with its I/O held back") {
    SKIP_UNDER_VALGRIND("a /proc/self/exe that is the program");
    if (auto gate = attempt<LoopDevice>(mebibyte); !gate) {
        SKIP_CASE(gate.reason());
    }
    const std::string told = kill_while_running("part: a gate");
    if (told.starts_with("missing: ")) {
        SKIP_CASE(told.c_str());
    }
    std::istringstream words{told};
    std::string path;
    std::string sysfs;
    std::uint64_t id = 0;
    words >> path >> sysfs >> id;
    REQUIRE(path.starts_with("/var/tmp/aioxx-"));
    REQUIRE(sysfs.starts_with("/sys/block/loop"));
    REQUIRE(id != 0);
    CHECK_FALSE(exists(path));
    CHECK_FALSE(is_mounted(path));
    // The kernel closes a file with I/O in flight a tick after the program has ended.
    CHECK(eventually([&] { return sysfs_id(sysfs) != id; }));
}

TEST_CASE("a FUSE server goes although the program is killed with requests waiting in it") {
    SKIP_UNDER_VALGRIND("a /proc/self/exe that is the program");
    const std::string told = kill_while_running("part: a FUSE server");
    if (told.starts_with("missing: ")) {
        SKIP_CASE(told.c_str());
    }
    REQUIRE(told.starts_with("/var/tmp/aioxx-"));
    CHECK_FALSE(exists(told));
    CHECK_FALSE(is_mounted(told));
}

// --- What the tests above run and kill ----------------------------------------------------------

TEST_CASE("part: a directory" * doctest::skip()) {
    const TemporaryDirectory directory;
    tell_and_wait(directory.path());
}

TEST_CASE("part: a gate" * doctest::skip()) {
    aioxx::AlignedBuffer buffer{4096, 4096};
    aioxx::Iocb iocb;
    aioxx::Context context{1};
    try {
        const LoopDevice disk{4 * mebibyte};
        const Mount unrelated{"-t tmpfs tmpfs"};
        Gate gate{disk.path()};
        gate.close();
        const aioxx::File file = aioxx::File::open(disk.path().c_str(), O_RDONLY | O_DIRECT);
        iocb.prepare_read(file.fd(), buffer, 0);
        context.submit(iocb);
        tell_and_wait(unrelated.path() + ' ' + disk.sysfs() + ' ' +
                      std::to_string(sysfs_id(disk.sysfs())));
    } catch (const Missing& missing) {
        tell_and_wait(std::string{"missing: "} + missing.what());
    }
}

TEST_CASE("part: a FUSE server" * doctest::skip()) {
    aioxx::AlignedBuffer buffer{4096, 4096};
    aioxx::Iocb iocb;
    aioxx::Context context{1};
    try {
        FuseServer server;
        server.close_gate();
        const aioxx::File file =
            aioxx::File::open(server.file("gate").c_str(), O_RDONLY | O_DIRECT);
        iocb.prepare_read(file.fd(), buffer, 0);
        context.submit(iocb);
        server.await_waiting(1);
        tell_and_wait(server.path());
    } catch (const Missing& missing) {
        tell_and_wait(std::string{"missing: "} + missing.what());
    }
}
