// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Writes into the page cache: one after the other on a file, and with the file where its number is
// going to expire.

#include "blocked_in.hpp"
#include "descriptors.hpp"
#include "devices/fuse_server.hpp"
#include "devices/mounts.hpp"
#include "running_engine.hpp"
#include "skip.hpp"
#include "watchdog.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Cancelled;

Engine::Options options(bool numbers_expire) {
    Engine::Options made;
    made.helpers.limit = 4;
    made.numbers_expire = numbers_expire;
    made.event_fd = numbers_expire;
    return made;
}

/// The system calls that the other threads are in; "running" for none.
std::vector<std::string> calls_of_others() {
    std::vector<std::string> calls;
    for (const pid_t tid : other_threads(thread_id())) {
        std::ifstream file{"/proc/self/task/" + std::to_string(tid) + "/syscall"};
        file >> calls.emplace_back();
    }
    return calls;
}

std::size_t threads_that_write() {
    const std::vector<std::string> calls = calls_of_others();
    return static_cast<std::size_t>(std::ranges::count(calls, std::to_string(SYS_io_submit)) +
                                    std::ranges::count(calls, std::to_string(SYS_pwritev2)));
}

void check_turns(bool numbers_expire) {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    RunningEngine running{options(numbers_expire)};
    const File file = File::open(server->file("gate").c_str(), O_RDWR);
    std::array<Transfer, 5> writes;
    server->close_gate();
    Watchdog watchdog{[&] { server->open_gate(); }};
    running->name_file(running->state_of(file));
    for (std::size_t i = 0; i < writes.size(); ++i) {
        writes[i].hold(std::string(512, static_cast<char>('a' + i)));
        running.start(writes[i], Kind::write, file, static_cast<std::int64_t>(512 * i));
    }
    running->end_call();
    server->await_waiting(1);
    REQUIRE(eventually([] { return std::ranges::count(calls_of_others(), "running") == 0; }));
    CHECK(threads_that_write() == 1);
    CHECK(running->cancel(writes[0]) == Cancelled::runs_on);
    CHECK(running->cancel(writes[2]) == Cancelled::yes);
    CHECK(running->cancel(writes[4]) == Cancelled::yes);
    CHECK(&running.next() == &writes[2]);
    CHECK(&running.next() == &writes[4]);
    watchdog.came_back();
    server->open_gate();
    for (const std::size_t i : {0U, 1U, 3U}) {
        CHECK(running.result_of(writes[i]) == 512);
    }
    std::string content(std::size_t{512} * 5, '\0');
    REQUIRE(::pread(file.fd(), content.data(), content.size(), 0) == 512 * 5);
    CHECK(content[0] == 'a');
    CHECK(content[512] == 'b');
    CHECK(content[std::size_t{512} * 2] == '\2'); // as it was
    CHECK(content[std::size_t{512} * 3] == 'd');
}

TEST_CASE("buffered writes of one file are made by one thread, one after the other") {
    check_turns(false);
}

TEST_CASE("the same where the file goes with them because its number expires") {
    check_turns(true);
}

TEST_CASE("a file that went with a write is open no longer when that is seen to be done") {
    RunningEngine running{options(true)};
    const TemporaryDirectory directory;
    const std::string path = directory.file("file");
    Descriptor rival{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    for (int i = 0; i < 200; ++i) {
        Descriptor holder{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
        REQUIRE(::flock(holder, LOCK_EX) == 0);
        std::error_code error;
        const File file = File::borrow(holder, error);
        Transfer write{"content"};
        running->name_file(running->state_of(file));
        running.start(write, Kind::write, file, i);
        running->end_call();
        holder.close();
        REQUIRE(running.result_of(write) == 7);
        REQUIRE(::flock(rival, LOCK_EX | LOCK_NB) == 0);
        REQUIRE(::flock(rival, LOCK_UN) == 0);
    }
    CHECK(running->statistics().offloaded >= 200);
}

TEST_CASE("what is taken back before it was begun leaves no file open") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    Engine::Options one_helper = options(true);
    one_helper.helpers.limit = 1;
    RunningEngine running{one_helper};
    const File gated = File::open(server->file("gate").c_str(), O_RDWR);
    const TemporaryDirectory directory;
    const std::string path = directory.file("file");
    const Descriptor rival{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    Descriptor holder{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    REQUIRE(::flock(holder, LOCK_EX) == 0);
    std::error_code error;
    const File file = File::borrow(holder, error);
    Transfer keeps_it_busy{"busy"};
    Transfer write{"content"};
    server->close_gate();
    Watchdog watchdog{[&] { server->open_gate(); }};
    running->name_file(running->state_of(gated));
    running.start(keeps_it_busy, Kind::write, gated);
    running->end_call();
    server->await_waiting(1);
    running->name_file(running->state_of(file));
    running.start(write, Kind::write, file);
    running->end_call();
    holder.close();
    CHECK(::flock(rival, LOCK_EX | LOCK_NB) != 0); // it is held for the write
    CHECK(running->cancel(write) == Cancelled::yes);
    CHECK(::flock(rival, LOCK_EX | LOCK_NB) == 0);
    CHECK(&running.next() == &write);
    watchdog.came_back();
    server->open_gate();
    CHECK(running.result_of(keeps_it_busy) == 4);
}

TEST_CASE("while a file's server keeps its close waiting, other files are taken in") {
    auto server = attempt<FuseServer>(1024U, true);
    if (!server) {
        SKIP_CASE(server.reason());
    }
    Engine::Options one_helper = options(true);
    one_helper.helpers.limit = 1;
    RunningEngine running{one_helper};
    const File closing = File::open(server->file("close-gate").c_str(), O_RDWR);
    const File gated = File::open(server->file("gate").c_str(), O_RDWR);
    const TemporaryDirectory directory;
    const File file = File::open(directory.file("file").c_str(), O_RDWR | O_CREAT);
    std::array<Transfer, 3> writes;
    const auto write = [&](Transfer& transfer, const File& target) {
        transfer.hold("content");
        running->name_file(running->state_of(target));
        running.start(transfer, Kind::write, target);
        running->end_call();
    };
    write(writes[0], file); // brings the helpers up, with a table that has no copies
    CHECK(running.result_of(writes[0]) == 7);
    server->close_gate();
    Watchdog watchdog{[&] { server->open_gate(); }};
    write(writes[0], closing);
    server->await_waiting(1); // it is written, and its file is being closed
    write(writes[1], gated);
    REQUIRE(eventually([] { return std::ranges::count(calls_of_others(), "running") == 0; }));
    write(writes[2], file);
    CHECK(running->cancel(writes[2]) == Cancelled::yes);
    CHECK(&running.next() == &writes[2]);
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    CHECK(running.next().result == 7);
    CHECK(running.next().result == 7);
}

} // namespace
} // namespace aioxx::test
