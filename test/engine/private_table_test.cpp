// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/private_table.hpp"

#include "blocked_in.hpp"
#include "child.hpp"
#include "descriptors.hpp"
#include "record_lock.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <semaphore>
#include <thread>
#include <vector>

#include <sys/prctl.h>
#include <sys/resource.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::PrivateTable;
using Message = PrivateTable::Message;

/// A thread with a table of its own, that does with the files it is given what the test says.
class Owner {
public:
    /// `work(number)` for each file that arrives; a negative number for one that was lost.
    explicit Owner(std::function<void(int)> work) : work_(std::move(work)) {
        opened_ = table_.open(std::chrono::seconds{1}) == 0;
        thread_ = std::thread([this] { run(); });
        ready_.acquire();
        table_.close_inside();
    }
    ~Owner() { end(); }

    bool send(int file) { return table_.send({.kind = Message::Kind::file}, file) == 0; }
    /// Returns when all that was sent has been worked on.
    void end() {
        table_.close_outside();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    [[nodiscard]] bool is_private() const { return private_; }
    [[nodiscard]] bool opened() const { return opened_; }

private:
    void run() {
        private_ = table_.leave_shared_table({STDERR_FILENO, STDERR_FILENO});
        ready_.release();
        Message message{};
        int file = -1;
        for (;;) {
            switch (table_.receive(message, file)) {
            case PrivateTable::Received::message:
                work_(file);
                break;
            case PrivateTable::Received::nothing:
            case PrivateTable::Received::too_late:
                break;
            case PrivateTable::Received::ended:
                table_.close_inside();
                return;
            }
        }
    }

    std::function<void(int)> work_;
    PrivateTable table_;
    std::binary_semaphore ready_{0};
    std::thread thread_;
    bool private_ = false;
    bool opened_ = false;
};

TEST_CASE("a file that was handed over survives its close and the reuse of its number") {
    std::string read;
    Owner owner{[&read](int file) {
        char text[8];
        const ssize_t length = ::read(file, text, sizeof(text));
        read.assign(text, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    }};
    REQUIRE(owner.is_private());
    Pipe pipe;
    pipe.fill("abc");
    const int number = pipe.reader;
    REQUIRE(owner.send(number));
    pipe.reader.close();
    const Descriptor other{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    REQUIRE(other == number);
    owner.end();
    CHECK(read == "abc");
}

TEST_CASE("what is open when a table is made is closed there: a pipe's end is seen") {
    Pipe pipe;
    Owner owner{[](int) {}};
    REQUIRE(owner.is_private());
    pipe.writer.close();
    char byte = 0;
    CHECK(::read(pipe.reader, &byte, 1) == 0); // would wait for a writer that nobody sees
}

TEST_CASE("record locks of the process hold when its file is let go in the private table") {
    const TemporaryFile file{"text"};
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    REQUIRE(::fcntl(file, F_SETLK, &lock) == 0);
    REQUIRE(is_locked(file));
    bool closed = false;
    Owner owner{[&closed](int received) { closed = ::close(received) == 0; }};
    REQUIRE(owner.is_private());
    REQUIRE(owner.send(file));
    owner.end();
    CHECK(closed);
    CHECK(is_locked(file));
}

TEST_CASE("a private table costs the program none of its low descriptors") {
    const int before = lowest_free_descriptor();
    Owner owner{[](int) {}};
    CHECK(owner.opened());
    CHECK(lowest_free_descriptor() == before);
    const TemporaryFile file;
    const int with_file = lowest_free_descriptor();
    CHECK(owner.send(file));
    CHECK(lowest_free_descriptor() == with_file);
}

TEST_CASE("under a limit of 64 descriptors files arrive until the table is full, then are lost") {
    const ChildEnd end = run_in_child([] {
        const rlimit few{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &few);
        std::vector<int> received;
        const int before = lowest_free_descriptor();
        Owner owner{[&received](int file) { received.push_back(file); }};
        if (!owner.opened() || lowest_free_descriptor() != before) {
            return 1;
        }
        for (int i = 0; i < 70; ++i) {
            if (!owner.send(STDIN_FILENO)) {
                return 2;
            }
        }
        owner.end();
        const auto lost = std::ranges::count(received, -1);
        if (received.size() != 70 || lost < 70 - 64 || lost > 70 - 60) {
            return 3;
        }
        return received.back() == -1 && received.front() >= 0 ? 0 : 4;
    });
    CHECK(end.status == 0);
}

/// In a child that has done nothing yet: without privileges, but still seen in its own /proc.
bool become_ordinary() {
    constexpr uid_t nobody = 65534;
    return (::geteuid() != 0 || ::setuid(nobody) == 0) && ::prctl(PR_SET_DUMPABLE, 1) == 0;
}

bool wait_until_it_pauses(pid_t tid) {
#ifdef SYS_clock_nanosleep // on 32 bits as well, for a time as short as this
    return wait_until_blocked_in(tid, SYS_clock_nanosleep);
#else
    return wait_until_blocked_in(tid, SYS_clock_nanosleep_time64);
#endif
}

TEST_CASE("a file that is one too many in flight for an ordinary user is sent when it is not") {
    const ChildEnd end = run_in_child([] {
        const rlimit few{64, 64}; // as many may be in flight
        ::setrlimit(RLIMIT_NOFILE, &few);
        if (!become_ordinary()) {
            return 1;
        }
        std::atomic<bool> held{true};
        int arrived = 0;
        Owner owner{[&](int file) {
            held.wait(true);
            arrived += file >= 0 ? 1 : 0;
            PrivateTable::close(file);
        }};
        bool paused = false;
        std::thread watcher{[&held, &paused, sender = ::getpid()] {
            paused = wait_until_it_pauses(sender);
            held = false;
            held.notify_all();
        }};
        bool sent = true;
        for (int i = 0; i < 100 && sent; ++i) {
            bool was_held = false;
            do { // it gives up in the end, and the watcher may be late
                was_held = held;
                sent = owner.send(STDIN_FILENO);
            } while (!sent && was_held);
        }
        watcher.join();
        owner.end();
        if (!paused) {
            return 2;
        }
        return sent && arrived == 100 ? 0 : 3;
    });
    CHECK(end.status == 0);
}

TEST_CASE("what a forked child holds of a private table does not keep its thread from ending") {
    Owner owner{[](int) {}};
    Pipe release;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        release.writer.close();
        char byte = 0;
        ::alarm(60);
        ::_exit(static_cast<int>(::read(release.reader, &byte, 1)));
    }
    owner.end(); // while the child has a copy of the program's end
    release.writer.close();
    CHECK(wait_for_child(child).status == 0);
}

} // namespace
} // namespace aioxx::test
