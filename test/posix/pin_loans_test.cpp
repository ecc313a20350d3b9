// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Writes into the page cache whose file goes along with them.

#include "child.hpp"
#include "descriptors.hpp"
#include "devices/fuse_server.hpp"
#include "devices/mounts.hpp"
#include "engine/watchdog.hpp"
#include "posix/pin_loop.hpp"
#include "skip.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using posix::Loan;

/// A write of so many bytes at an offset.
struct Write : WorkerOperation {
    explicit Write(std::string_view text = "content", std::int64_t at = 0) {
        hold(text);
        request.offset = at;
    }
};

/// Workers, and a file by which is seen when nothing has it open any more.
struct LentFile {
    /// A descriptor of its own, which has the file locked until its last copy is closed.
    [[nodiscard]] Descriptor lock() const {
        Descriptor holder{open_again(content, O_RDWR)};
        REQUIRE(::flock(holder, LOCK_EX) == 0);
        return holder;
    }
    [[nodiscard]] bool is_unlocked() const { return can_lock(rival); }

    TemporaryFile content;
    Descriptor rival{open_again(content, O_RDWR)};
    Loan loan;
    PinLoop pins{{.limit = 1}};
};

TEST_CASE("writes whose file goes along are made by one thread, one after the other") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    PinLoop pins{{.limit = 4}};
    const Descriptor opened{::open(server->file("gate").c_str(), O_RDWR | O_CLOEXEC)};
    PlainFile file{opened};
    Loan loan;
    std::array<Write, 5> writes;
    server->close_gate();
    Watchdog watchdog{[&] { server->open_gate(); }};
    for (std::size_t i = 0; i < writes.size(); ++i) {
        writes[i].hold(std::string(512, static_cast<char>('a' + i)));
        writes[i].request.offset = static_cast<std::int64_t>(512 * i);
        pins.add_lent(writes[i], file, loan, i == 0 ? int{opened} : -1);
        server->await_waiting(1); // the first has begun alone
    }
    REQUIRE(workers_wait(1, SYS_pwritev2));
    CHECK_FALSE(pins.loop.pool.take_back(writes[0]));
    CHECK(pins.loop.pool.take_back(writes[2]));
    CHECK(pins.loop.pool.take_back(writes[4]));
    CHECK(count_blocked_in(SYS_pwritev2) == 1);
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    for (const std::size_t i : {0U, 1U, 3U}) {
        CHECK(pins.loop.result_of(writes[i]) == 512);
    }
    CHECK_FALSE(pins.table.is_in_use());
    std::string content(std::size_t{512} * 5, '\0');
    REQUIRE(::pread(opened, content.data(), content.size(), 0) == 512 * 5);
    CHECK(content[0] == 'a');
    CHECK(content[512] == 'b');
    CHECK(content[std::size_t{512} * 2] == '\2'); // as it was
    CHECK(content[std::size_t{512} * 3] == 'd');
}

TEST_CASE_FIXTURE(LentFile,
                  "a file that went along with a write is closed before its result is seen") {
    for (int i = 0; i < 300; ++i) {
        Descriptor holder = lock();
        PlainFile file{holder};
        Write write{"content", i};
        pins.add_lent(write, file, loan, holder);
        holder.close();
        REQUIRE(pins.loop.result_of(write) == 7);
        REQUIRE(is_unlocked());
    }
    CHECK_FALSE(pins.table.is_in_use());
}

TEST_CASE_FIXTURE(LentFile, "of several writes at a time the last closes the file") {
    for (int i = 0; i < 100; ++i) {
        Descriptor holder = lock();
        PlainFile file{holder};
        std::array<Write, 4> writes;
        for (Write& write : writes) {
            pins.add_lent(write, file, loan, holder); // it may be closed already
        }
        holder.close();
        for (const Write& write : writes) {
            REQUIRE(pins.loop.result_of(write) == 7);
        }
        REQUIRE(is_unlocked());
    }
}

/// Keeps the only worker of `pins` that makes calls busy until the pipe is filled.
struct Busy : PipeFile {
    explicit Busy(PinLoop& pins) : pin(pins.pin(pipe.reader)) {
        pins.add(read, Kind::read, file, pin);
        REQUIRE(workers_wait(1));
    }
    void end(PinLoop& pins) {
        pipe.fill("x");
        CHECK(pins.loop.result_of(read) == 1);
        pins.table.release_and_wait(pin);
    }

    posix::Pin& pin;
    WorkerOperation read;
};

TEST_CASE_FIXTURE(LentFile, "what is taken back before it was begun leaves no file open") {
    Descriptor holder = lock();
    PlainFile file{holder};
    Busy busy{pins};
    std::array<Write, 2> writes;
    pins.add_lent(writes[0], file, loan, holder);
    pins.add_lent(writes[1], file, loan, -1);
    holder.close();
    CHECK_FALSE(is_unlocked()); // it is held for the writes
    CHECK(pins.loop.pool.take_back(writes[0]));
    CHECK_FALSE(is_unlocked());
    CHECK(pins.loop.pool.take_back(writes[1]));
    CHECK(is_unlocked());
    busy.end(pins);
}

TEST_CASE_FIXTURE(LentFile,
                  "a loan that is over is not joined, and a pin that another file has even less") {
    const TemporaryFile other_content;
    PlainFile file{content};
    PlainFile other{other_content};
    Loan other_loan;
    Write write;
    pins.add_lent(write, file, loan, content);
    CHECK(pins.loop.result_of(write) == 7);
    errno = 0;
    CHECK_FALSE(pins.table.lend(loan, -1, write));
    CHECK(errno == EBADF);
    CHECK_FALSE(pins.table.is_in_use());

    Write of_other{"other"};
    of_other.set(Kind::write, other);
    REQUIRE(pins.table.lend(other_loan, other_content, of_other));
    CHECK(other_loan.pin == loan.pin); // used again
    CHECK_FALSE(pins.table.lend(loan, -1, write));
    pins.add_lent(write, file, loan, content);
    pins.loop.add(of_other);
    pins.loop.next();
    pins.loop.next();
    CHECK(content.content() == "content");
    CHECK(other_content.content() == "other");
}

TEST_CASE("a lent file that the private table has no room for fails each of its writes") {
    const ChildEnd end = run_in_child([] {
        const rlimit few{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &few);
        PinLoop pins{{.limit = 1}};
        Busy busy{pins};
        for (int i = 0; i < 64; ++i) {
            pins.pin(STDIN_FILENO);
        }
        PlainFile file{STDERR_FILENO};
        Loan loan;
        std::array<Write, 2> writes;
        for (Write& write : writes) {
            pins.add_lent(write, file, loan, STDERR_FILENO);
        }
        busy.pipe.fill("x");
        pins.loop.next();
        for (const Write& write : writes) {
            if (pins.loop.result_of(write) != -EMFILE) {
                return 1;
            }
        }
        return 0;
    });
    CHECK(end.status == 0);
}

TEST_CASE("while a file's server keeps its close waiting, other files are closed") {
    auto server = attempt<FuseServer>(1024U, true);
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Descriptor closing{::open(server->file("close-gate").c_str(), O_RDWR | O_CLOEXEC)};
    const Descriptor gated{::open(server->file("gate").c_str(), O_RDWR | O_CLOEXEC)};
    const TemporaryFile content;
    PlainFile closing_file{closing};
    PlainFile gated_file{gated};
    PlainFile file{content};
    file.traits.on_server = true; // it has no worker of its own while the server has one
    std::array<Loan, 3> loans;
    std::array<Write, 3> writes;
    PinLoop pins{{.limit = 1}};
    server->close_gate();
    Watchdog watchdog{[&] { server->open_gate(); }};
    pins.add_lent(writes[0], closing_file, loans[0], closing);
    server->await_waiting(1); // it is written, and its file is being closed
    pins.add_lent(writes[1], gated_file, loans[1], gated);
    pins.add_lent(writes[2], file, loans[2], content);
    CHECK(pins.loop.pool.take_back(writes[2])); // which closes the file
    CHECK_FALSE(pins.loop.mailbox.has_mail());
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    CHECK(pins.loop.result_of(writes[0]) == 7);
    CHECK(pins.loop.result_of(writes[1]) == 7);
}

TEST_CASE("writes on many files, lent and taken back as it comes, end once each") {
    constexpr int rounds = 3000;
    PinLoop pins{{.limit = 3}};
    std::array<TemporaryFile, 3> contents;
    std::array<PlainFile, 3> files{PlainFile{contents[0]}, PlainFile{contents[1]},
                                   PlainFile{contents[2]}};
    std::array<Loan, 3> loans;
    std::array<Write, 12> writes;
    std::array<bool, 12> started{};
    std::uint32_t random = 1;
    int added = 0;
    int ended = 0;
    const auto note_end = [&](const engine::Operation& operation) {
        const auto index =
            static_cast<std::size_t>(static_cast<const Write*>(&operation) - writes.data());
        CHECK(started[index]);
        CHECK(operation.result == 7);
        started[index] = false;
        ++ended;
    };
    for (int round = 0; round < rounds; ++round) {
        random = random * 1664525U + 1013904223U;
        const std::size_t index = (random >> 16) % writes.size();
        if (!started[index]) {
            const std::size_t target = (random >> 24) % files.size();
            pins.add_lent(writes[index], files[target], loans[target], contents[target]);
            started[index] = true;
            ++added;
        } else if (pins.loop.pool.take_back(writes[index])) {
            started[index] = false;
            ++ended;
        }
        pins.loop.take();
        while (pins.loop.has_returned()) {
            note_end(pins.loop.next());
        }
    }
    while (ended < added) {
        note_end(pins.loop.next());
    }
    CHECK_FALSE(pins.table.is_in_use());
}

} // namespace
} // namespace aioxx::test
