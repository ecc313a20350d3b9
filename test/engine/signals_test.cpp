// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What signals do to a worker that is blocked in its call: nothing that shows in a result.

#include "blocked_in.hpp"
#include "child.hpp"
#include "running_engine.hpp"

#include <fstream>
#include <thread>

#include <sys/syscall.h>
#include <termios.h>

namespace aioxx::test {
namespace {

bool any_blocked_in(long call) {
    for (const pid_t tid : other_threads(thread_id())) {
        std::ifstream file{"/proc/self/task/" + std::to_string(tid) + "/syscall"};
        std::string number;
        file >> number;
        if (number == std::to_string(call)) {
            return true;
        }
    }
    return false;
}

/// An engine with a worker that is blocked in a read: two wait for one byte at the master of a
/// terminal, both are told that it is there, and one is late.
struct BlockedWorker {
    BlockedWorker() {
        termios modes{};
        ::tcgetattr(terminal.slave, &modes);
        ::cfmakeraw(&modes);
        ::tcsetattr(terminal.slave, TCSANOW, &modes);
        engine.begin(reads[0], Kind::read, file);
        engine.begin(reads[1], Kind::read, other);
        while (engine->statistics().polled < 2) {
            engine.completed_now();
        }
        write_byte();
        done = &engine.next();
        while (engine->statistics().offloaded < 2) {
            engine.completed_now();
        }
        blocked = eventually([] { return any_blocked_in(SYS_preadv2); });
    }
    void write_byte() { REQUIRE(::write(terminal.slave, "x", 1) == 1); }

    Terminal terminal;
    File file = File::borrow(terminal.master);
    File other = File::adopt(::fcntl(terminal.master, F_DUPFD_CLOEXEC, 0));
    std::array<Transfer, 2> reads;
    RunningEngine engine;
    engine::Operation* done = nullptr;
    bool blocked = false;
};

TEST_CASE("setuid in a thread does not hang on a blocked worker, whose read goes on") {
    const ChildEnd end = run_in_child([] {
        BlockedWorker worker;
        if (!worker.blocked) {
            return 1;
        }
        int result = -1;
        std::thread{[&] { result = ::setuid(::getuid()); }}.join();
        if (result != 0) {
            return 2;
        }
        worker.write_byte();
        const engine::Operation& second = worker.engine.next();
        return &second != worker.done && second.result == 1 ? 0 : 3;
    });
    CHECK(end.status == 0);
}

TEST_CASE("a stopped and continued program sees no EINTR from its workers") {
    Pipe blocked;
    Pipe go_on;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(60);
        BlockedWorker worker;
        char byte = 0;
        if (!worker.blocked || ::write(blocked.writer, "x", 1) != 1 ||
            ::read(go_on.reader, &byte, 1) != 1) {
            ::_exit(1);
        }
        worker.write_byte();
        const engine::Operation& second = worker.engine.next();
        ::_exit(&second != worker.done && second.result == 1 ? 0 : 2);
    }
    char byte = 0;
    blocked.writer.close();
    REQUIRE(::read(blocked.reader, &byte, 1) == 1);
    REQUIRE(::kill(child, SIGSTOP) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
    REQUIRE(WIFSTOPPED(status));
    REQUIRE(::kill(child, SIGCONT) == 0);
    REQUIRE(::waitpid(child, &status, WCONTINUED) == child);
    go_on.fill("x");
    CHECK(wait_for_child(child).status == 0);
}

} // namespace
} // namespace aioxx::test
