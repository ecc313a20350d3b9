// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What is slow to answer leaves workers for the rest.

#include "engine/pool_loop.hpp"

#include <array>
#include <chrono>
#include <string>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::Way;
using engine::WorkerPool;
using namespace std::chrono_literals;

/// A server that hangs until it is filled.
struct Server : PipeFile {
    Server() { file.traits.on_server = true; }
};

/// Nine reads of a server that hangs, and one of another file, which a worker is left for.
struct BesideServer {
    /// `held`: the workers that the server takes.
    BesideServer(PoolLoop& on, std::size_t held) : loop(on) {
        for (ByteRead& read : reads) {
            loop.add(read, Kind::read, server.file);
        }
        REQUIRE(workers_wait(held));
        loop.add(of_other, Kind::read, other.file);
        REQUIRE(workers_wait(held + 1));
        other.pipe.fill("x");
        CHECK(loop.result_of(of_other) == 1);
    }
    /// The server answers the first `count`, and they end.
    void answer(std::size_t count) {
        server.pipe.fill(std::string(count, 'x'));
        for (std::size_t i = 0; i < count; ++i) {
            CHECK(loop.next().result == 1);
        }
    }

    PoolLoop& loop;
    Server server;
    PipeFile other;
    std::array<ByteRead, 9> reads;
    ByteRead of_other;
};

TEST_CASE("a server that hangs leaves a quarter of the workers, rounded up, for other files") {
    struct Row {
        unsigned limit;
        std::size_t held;
    };
    for (const Row row : {Row{1, 1}, Row{2, 1}, Row{3, 2}, Row{4, 3}, Row{8, 6}}) {
        for (const bool spare : {false, true}) {
            CAPTURE(row.limit);
            CAPTURE(spare);
            PoolLoop loop{{.limit = row.limit, .spare_for_tasks = spare}};
            BesideServer beside{loop, row.held};
            CHECK(count_blocked_in(SYS_preadv2) == row.held);
            CHECK(loop.pool.take_back(beside.reads.back()));
            beside.answer(beside.reads.size() - 1);
        }
    }
}

TEST_CASE("submits that a server holds up leave workers for other files") {
    PoolLoop loop{{.limit = 4}};
    Server server;
    PipeFile other;
    std::array<ByteRead, 5> reads;
    ByteRead of_other;
    for (ByteRead& read : reads) {
        loop.add(read, Kind::read, server.file, Way::worker_submit);
    }
    REQUIRE(workers_wait(3, SYS_io_submit));
    loop.add(of_other, Kind::read, other.file);
    other.pipe.fill("x");
    CHECK(loop.result_of(of_other) == 1);
    server.pipe.fill(std::string(reads.size(), 'x'));
    for (std::size_t i = 0; i < reads.size(); ++i) {
        CHECK(loop.next().result == 1);
    }
}

TEST_CASE("a pool of one makes one call at a time while no server holds its worker") {
    PoolLoop loop{{.limit = 1}};
    Server server;
    PipeFile one;
    PipeFile other;
    ByteRead held;
    std::array<ByteRead, 2> reads;
    loop.add(held, Kind::read, server.file);
    REQUIRE(workers_wait(1));
    server.pipe.fill("x");
    CHECK(loop.result_of(held) == 1);
    loop.add(reads[0], Kind::read, one.file);
    loop.add(reads[1], Kind::read, other.file);
    REQUIRE(workers_wait(1));
    CHECK(loop.pool.take_back(reads[1]));
    loop.add(held, Kind::read, server.file); // waits for the one that is not on a server
    CHECK(count_blocked_in(SYS_preadv2) == 1);
    one.pipe.fill("x");
    CHECK(loop.result_of(reads[0]) == 1);
    server.pipe.fill("x");
    CHECK(loop.result_of(held) == 1);
}

TEST_CASE("the quarter that a server leaves is one of the workers that the process allows") {
    struct Row {
        unsigned limit; // of the process, beside the first
        std::size_t held;
    };
    for (const Row row : {Row{0, 1}, Row{1, 1}, Row{2, 2}, Row{3, 3}, Row{7, 6}}) {
        CAPTURE(row.limit);
        const WorkerLimit limit{row.limit};
        PoolLoop loop{{.limit = 16}};
        BesideServer beside{loop, row.held};
        CHECK(engine::worker_budget.used() <= row.limit);
        beside.answer(beside.reads.size());
    }
}

/// A file on a disk that does not answer until it is filled.
struct Disk : PipeFile {
    explicit Disk(WorkerPool& pool, std::uint64_t device = 1) : of(pool) {
        file.traits.device = device;
        of.enter(file);
    }
    ~Disk() { of.leave(file); }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    WorkerPool& of;
};

/// Looks now, and each time a second later.
class Looks {
public:
    void look(WorkerPool& pool) {
        now_ += 1s;
        pool.look(now_);
    }

private:
    std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
};

TEST_CASE("workers that a silent disk holds beyond its share are made up for") {
    struct Row {
        unsigned limit;
        std::size_t others; // that get a worker
    };
    for (const Row row : {Row{1, 1}, Row{2, 1}, Row{4, 1}, Row{5, 2}, Row{8, 2}}) {
        CAPTURE(row.limit);
        PoolLoop loop{{.limit = row.limit}};
        Disk disk{loop.pool};
        Disk other{loop.pool, 2};
        Looks looks;
        std::array<ByteRead, 9> reads;
        std::array<ByteRead, 4> of_other;
        for (ByteRead& read : reads) {
            loop.add(read, Kind::read, disk.file);
        }
        REQUIRE(workers_wait(row.limit));
        for (ByteRead& read : of_other) {
            loop.add(read, Kind::read, other.file);
        }
        CHECK(loop.pool.is_held_up());
        looks.look(loop.pool);
        CHECK(count_blocked_in(SYS_preadv2) == row.limit); // for less than a second, it may be
        looks.look(loop.pool);
        CHECK(workers_wait(row.limit + row.others));
        other.pipe.fill(std::string(of_other.size(), 'x'));
        for (std::size_t i = 0; i < of_other.size(); ++i) {
            CHECK(loop.next().file == &other.file);
        }
        CHECK(workers_wait(row.limit)); // what is behind those on the disk stays there
        disk.pipe.fill(std::string(reads.size(), 'x'));
        for (std::size_t i = 0; i < reads.size(); ++i) {
            CHECK(loop.next().result == 1);
        }
    }
}

TEST_CASE("a disk is silent until one of its calls returns, and no longer") {
    PoolLoop loop{{.limit = 4}};
    Disk disk{loop.pool};
    Disk other{loop.pool, 2};
    Looks looks;
    std::array<ByteRead, 6> reads;
    ByteRead of_other;
    for (ByteRead& read : reads) {
        loop.add(read, Kind::read, disk.file);
    }
    REQUIRE(workers_wait(4));
    looks.look(loop.pool);
    disk.pipe.fill("x");
    CHECK(loop.next().result == 1);
    REQUIRE(workers_wait(4)); // the fifth has gone on
    loop.add(of_other, Kind::read, other.file);
    looks.look(loop.pool);
    CHECK(workers_wait(4)); // one has returned in that second
    looks.look(loop.pool);
    CHECK(workers_wait(5));
    other.pipe.fill("x");
    CHECK(loop.result_of(of_other) == 1);
    disk.pipe.fill("x");
    CHECK(loop.next().result == 1);
    CHECK(workers_wait(4)); // all of the disk's that are left: it has the whole pool again
    disk.pipe.fill("xxxx");
    for (std::size_t i = 2; i < reads.size(); ++i) {
        CHECK(loop.next().result == 1);
    }
}

TEST_CASE("a silent disk is made up for where the process allows no more workers, by one") {
    const WorkerLimit limit{0};
    PoolLoop loop{{.limit = 4}};
    Disk disk{loop.pool};
    Disk other{loop.pool, 2};
    Looks looks;
    ByteRead held;
    std::array<ByteRead, 3> of_other;
    loop.add(held, Kind::read, disk.file);
    REQUIRE(workers_wait(1));
    for (ByteRead& read : of_other) {
        loop.add(read, Kind::read, other.file);
    }
    looks.look(loop.pool);
    looks.look(loop.pool);
    CHECK(workers_wait(2));
    other.pipe.fill("abc");
    for (const ByteRead& read : of_other) {
        CHECK(loop.result_of(read) == 1);
    }
    CHECK(engine::worker_budget.used() == 0);
    disk.pipe.fill("x");
    CHECK(loop.result_of(held) == 1);
}

TEST_CASE("a spare worker sees by itself that a disk is silent") {
    PoolLoop loop{{.limit = 2, .spare_for_tasks = true, .idle = 1h}};
    Disk disk{loop.pool};
    Disk other{loop.pool, 2};
    std::array<ByteRead, 2> reads;
    ByteRead of_other;
    for (ByteRead& read : reads) {
        loop.add(read, Kind::read, disk.file);
    }
    REQUIRE(workers_wait(2));
    loop.add(of_other, Kind::read, other.file);
    other.pipe.fill("x");
    CHECK(loop.result_of(of_other) == 1);
    disk.pipe.fill("xx");
    CHECK(loop.next().result == 1);
    CHECK(loop.next().result == 1);
}

} // namespace
} // namespace aioxx::test
