// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/private_table.hpp"

#include "child.hpp"
#include "descriptors.hpp"
#include "record_lock.hpp"

#include <algorithm>
#include <functional>
#include <semaphore>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::PrivateTable;

/// A thread with a table of its own, that does with the files it is given what the test says.
class Owner {
public:
    /// `work(number)` for each file that arrives; a negative number for one that was lost.
    explicit Owner(std::function<void(int)> work) : work_(std::move(work)) {
        opened_ = table_.open() == 0;
        thread_ = std::thread([this] { run(); });
        answered_.acquire();
        table_.close_far_end();
    }
    ~Owner() { end(); }

    bool send(int file) { return table_.send(this, file) == 0; }
    /// Returns when all that was sent has been worked on.
    void receive() {
        asked_.release();
        answered_.acquire();
    }
    void end() {
        if (thread_.joinable()) {
            ends_ = true;
            receive();
            thread_.join();
        }
    }
    [[nodiscard]] bool is_private() const { return private_; }
    [[nodiscard]] bool opened() const { return opened_; }

private:
    void run() {
        private_ = table_.leave_program_table({STDERR_FILENO, -1});
        answered_.release();
        for (bool ends = false; !ends;) {
            asked_.acquire();
            PrivateTable::Received received;
            while (table_.receive(received)) {
                work_(received.subject == this ? received.file : -1);
            }
            ends = ends_;
            answered_.release();
        }
        table_.close_in_table();
    }

    std::function<void(int)> work_;
    PrivateTable table_;
    std::binary_semaphore asked_{0};
    std::binary_semaphore answered_{0};
    bool ends_ = false; // published by asked_
    bool private_ = false;
    bool opened_ = false;
    std::thread thread_;
};

TEST_CASE("a file that was sent survives its close and the reuse of its number") {
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

TEST_CASE("a file is open while it is in the socket") {
    std::vector<int> received;
    Owner owner{[&received](int file) { received.push_back(file); }};
    Pipe pipe;
    REQUIRE(owner.send(pipe.reader));
    pipe.reader.close();
    pipe.fill("x"); // no EPIPE: it has a reader
    CHECK(received.empty());
    owner.receive();
    CHECK(received.size() == 1);
}

TEST_CASE("what is open when a table is made is closed there: a pipe's end is seen") {
    Pipe pipe;
    Owner owner{[](int) {}};
    REQUIRE(owner.is_private());
    pipe.writer.close();
    char byte = 0;
    CHECK(::read(pipe.reader, &byte, 1) == 0); // would wait for a writer in the other table
}

TEST_CASE("record locks of the process hold when its file is closed in the private table") {
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
    owner.end();
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
            owner.receive();
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

TEST_CASE("a full socket is told at once, and what was sent is received in its order") {
    std::vector<int> received;
    int sent = 0;
    {
        Owner owner{[&received](int file) {
            received.push_back(file);
            PrivateTable::close(file);
        }};
        while (sent < 100'000 && owner.send(STDIN_FILENO)) {
            ++sent;
        }
        CHECK(sent < 100'000);
        owner.receive();
        CHECK(owner.send(STDIN_FILENO));
    }
    CHECK(received.size() == static_cast<std::size_t>(sent) + 1);
}

} // namespace
} // namespace aioxx::test
