// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/pin_table.hpp"

#include "child.hpp"
#include "descriptors.hpp"
#include "eventually.hpp"
#include "posix/pin_loop.hpp"
#include "posix/pins_made.hpp"
#include "record_lock.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::Way;
using posix::Pin;

constexpr std::chrono::milliseconds soon{1};

TEST_CASE("a pinned file survives its close and the reuse of its number") {
    PinLoop pins;
    Pipe pipe;
    pipe.fill("abc");
    const int number = pipe.reader;
    PlainFile file{number};
    Pin& pin = pins.pin(number);
    pipe.reader.close();
    const Descriptor other{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    REQUIRE(other == number);
    WorkerOperation read;
    pins.add(read, Kind::read, file, pin);
    CHECK(pins.loop.result_of(read) == 3);
    CHECK(read.text() == "abc");
    pipe.fill("defg");
    pins.add(read, Kind::read, file, pin, Way::worker_submit);
    CHECK(pins.loop.result_of(read) == 4);
    pins.table.release_and_wait(pin);
    pollfd writer{pipe.writer, 0, 0};
    // There is no reader any more, once io_submit, which has read, has given up its reference too.
    CHECK(::poll(&writer, 1, -1) == 1);
    CHECK((writer.revents & POLLERR) != 0);
}

TEST_CASE("an operation without a pin fails") {
    PinLoop pins;
    PlainFile file{STDIN_FILENO};
    WorkerOperation read;
    pins.loop.add(read, Kind::read, file);
    CHECK(pins.loop.result_of(read) == -EBADF);
}

TEST_CASE("a number that is not open cannot be pinned, and keeps no worker") {
    PinLoop pins{{.idle = soon}};
    do {
        pins.loop.start();
        CHECK(pins.table.pin(closed_descriptor()) == nullptr);
    } while (errno == EAGAIN); // the workers have ended meanwhile
    CHECK(errno == EBADF);
    CHECK_FALSE(pins.table.is_in_use());
    CHECK(eventually([&] { return !pins.loop.pool.running(); }));
    CHECK(pins.table.pin(STDIN_FILENO) == nullptr);
    CHECK(errno == EAGAIN);
}

TEST_CASE("a file is closed when its release has returned") {
    PinLoop pins;
    const TemporaryFile content{"content"};
    const Descriptor rival{open_again(content, O_RDONLY)};
    for (int i = 0; i < 200; ++i) {
        Descriptor holder{open_again(content, O_RDONLY)};
        REQUIRE(::flock(holder, LOCK_EX) == 0);
        PlainFile file{holder};
        Pin& pin = pins.pin(holder);
        if (i % 2 == 0) { // otherwise it is still in the socket
            WorkerOperation read;
            pins.add(read, Kind::read, file, pin);
            CHECK(pins.loop.result_of(read) == 7);
        }
        holder.close();
        CHECK_FALSE(can_lock(rival));
        pins.table.release_and_wait(pin);
        CHECK(can_lock(rival));
    }
    CHECK_FALSE(pins.table.is_in_use());
}

TEST_CASE("an operation that was taken back leaves its pin to the caller") {
    PinLoop pins{{.limit = 1}};
    Pipe pipe;
    PlainFile blocking{pipe.reader};
    Pin& busy = pins.pin(pipe.reader);
    std::array<WorkerOperation, 2> reads;
    for (WorkerOperation& read : reads) {
        pins.add(read, Kind::read, blocking, busy);
    }
    REQUIRE(eventually([] { return count_blocked_in(SYS_preadv2) == 1; }));
    CHECK(pins.loop.pool.take_back(reads[1]));
    CHECK(pins.table.is_in_use());
    pipe.fill("x");
    CHECK(pins.loop.result_of(reads[0]) == 1);
    pins.add(reads[1], Kind::read, blocking, busy);
    pipe.fill("yz");
    CHECK(pins.loop.result_of(reads[1]) == 2);
    pins.table.release_and_wait(busy);
}

TEST_CASE("pins are made for as many files as there are at a time, not for all that there were") {
    PinLoop pins;
    pins.table.reserve(10);
    const std::size_t made = pins_made(pins.table);
    CHECK(made >= 20);
    for (std::size_t i = 0; i < 1000; ++i) {
        pins.table.reserve(1 + i % 10);
    }
    CHECK(pins_made(pins.table) == made);
    for (int i = 0; i < 1000; ++i) {
        pins.table.release_and_wait(pins.pin(STDIN_FILENO));
        pins.table.reserve(1);
    }
}

TEST_CASE("record locks of the program hold while its file is pinned, lent and released") {
    PinLoop pins;
    const TemporaryFile content{"text"};
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    REQUIRE(::fcntl(content, F_SETLK, &lock) == 0);
    PlainFile file{content};
    Pin& pin = pins.pin(content);
    WorkerOperation operation;
    pins.add(operation, Kind::read, file, pin);
    CHECK(pins.loop.result_of(operation) == 4);
    pins.table.release_and_wait(pin);
    posix::Loan loan;
    pins.add_lent(operation, file, loan, content);
    CHECK(pins.loop.result_of(operation) == 4096);
    CHECK(is_locked(content));
}

TEST_CASE("workers and pins cost the program none of its low descriptors") {
    const TemporaryFile content{"text"};
    const int before = lowest_free_descriptor();
    {
        EventFd low[2]; // of the loop, which takes no high ones
        Context context{1};
        PinLoop pins;
        const int with_loop = lowest_free_descriptor();
        Pin& pin = pins.pin(content);
        PlainFile file{content};
        WorkerOperation read;
        pins.add(read, Kind::read, file, pin);
        CHECK(pins.loop.result_of(read) == 4);
        CHECK(lowest_free_descriptor() == with_loop);
        pins.table.release_and_wait(pin);
        CHECK(lowest_free_descriptor() == with_loop);
    }
    CHECK(lowest_free_descriptor() == before);
}

TEST_CASE("more files can be pinned than the socket holds") {
    PinLoop pins;
    Pipe pipe;
    PlainFile file{pipe.reader};
    std::vector<Pin*> made;
    made.reserve(600);
    for (int i = 0; i < 600; ++i) {
        made.push_back(&pins.pin(pipe.reader));
    }
    pipe.fill("x");
    WorkerOperation read;
    pins.add(read, Kind::read, file, *made.back());
    CHECK(pins.loop.result_of(read) == 1);
    for (Pin* const pin : made) {
        pins.table.release_and_wait(*pin);
    }
}

TEST_CASE("idle workers stay while a file is pinned, and end when none is") {
    const std::size_t threads = count_threads_at_rest();
    PinLoop pins{{.idle = soon}};
    const TemporaryFile content{"text"};
    PlainFile file{content};
    for (int round = 0; round < 20; ++round) {
        Pin& pin = pins.pin(content);
        WorkerOperation read;
        pins.add(read, Kind::read, file, pin);
        CHECK(pins.loop.result_of(read) == 4);
        CHECK(eventually([&] { return count_threads() == threads + 1; }));
        CHECK(pins.loop.pool.running());
        pins.table.release_and_wait(pin);
        CHECK(eventually([&] { return !pins.loop.pool.running(); }));
    }
    CHECK(eventually([&] { return count_threads() == threads; }));
}

/// A pin table whose idle worker waits, when it has seen that no pin is in use, for the test.
class HesitantTable final : public engine::WorkerTable {
public:
    int open() noexcept override { return pins.open(); }
    void enter() noexcept override { pins.enter(); }
    void entered() noexcept override { pins.entered(); }
    void leave() noexcept override { pins.leave(); }
    Entry find(engine::Operation& operation) noexcept override { return pins.find(operation); }
    void release(const Entry& entry) noexcept override { pins.release(entry); }
    void taken_back(engine::Operation& operation) noexcept override { pins.taken_back(operation); }
    [[nodiscard]] bool is_in_use() const noexcept override {
        const bool answer = pins.is_in_use();
        if (!answer) {
            looked.post();
            go_on.wait();
        }
        return answer;
    }

    posix::PinTable pins;
    mutable engine::Semaphore looked;
    mutable engine::Semaphore go_on;
};

TEST_CASE("no pin is taken from the last worker when it has found that it may end") {
    HesitantTable table;
    PoolLoop loop{{.spare_for_tasks = true, .idle = soon}, table};
    table.pins.attach(loop.pool, loop.mailbox, loop.wake.fd(), loop.events.fd());
    table.pins.reserve(1);
    loop.start();
    table.looked.wait();
    std::atomic<pid_t> tid{0};
    Pin* pin = nullptr;
    std::thread pinning{[&] {
        tid = thread_id();
        pin = table.pins.pin(STDIN_FILENO);
    }};
    CHECK(eventually([&] { return tid != 0; }));
    CHECK(wait_until_blocked_in(tid, SYS_futex)); // it is answered when the worker has ended
    table.go_on.post();
    pinning.join();
    CHECK(pin == nullptr);
    CHECK_FALSE(table.pins.is_in_use());
    CHECK(eventually([&] { return !loop.pool.running(); }));
}

TEST_CASE("a pin that is released when the workers have been stopped is free again") {
    PinLoop pins;
    const TemporaryFile content{"text"};
    Pin& pin = pins.pin(content);
    pins.loop.pool.stop();
    pins.table.release_and_wait(pin);
    CHECK_FALSE(pins.table.is_in_use());
    pins.table.release_and_wait(pins.pin(content));
}

TEST_CASE("what a forked child holds does not keep the workers from ending") {
    PinLoop pins;
    Pipe file;
    Pin& pin = pins.pin(file.reader);
    Pipe release;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        release.writer.close();
        char byte = 0;
        ::alarm(60);
        ::_exit(static_cast<int>(::read(release.reader, &byte, 1)));
    }
    pins.table.release_and_wait(pin);
    pins.loop.pool.stop(); // while the child has copies
    release.writer.close();
    CHECK(wait_for_child(child).status == 0);
}

TEST_CASE("a forked child closes its copies, and its parent goes on") {
    PinLoop pins;
    const TemporaryFile content{"text"};
    PlainFile file{content};
    Pin& pin = pins.pin(content);
    const ChildEnd end = run_in_child([&] {
        const int before = count_descriptors();
        pins.loop.pool.forget_threads();
        pins.table.close_inherited();
        return count_descriptors() == before - 1 ? 0 : 1; // the near end of the socket
    });
    CHECK(end.status == 0);
    WorkerOperation read;
    pins.add(read, Kind::read, file, pin);
    CHECK(pins.loop.result_of(read) == 4);
    pins.table.release_and_wait(pin);
}

} // namespace
} // namespace aioxx::test
