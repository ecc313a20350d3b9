// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Calls that would only wait for their like in the kernel are made by one worker, one after the
// other.

#include "descriptors.hpp"
#include "engine/pool_loop.hpp"

#include <array>
#include <string>

#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;

TEST_CASE("operations in turn go one after the other, beside those of other files") {
    PoolLoop loop;
    Pipe pipe;
    Pipe other;
    PlainFile file{pipe.reader};
    PlainFile other_file{other.reader};
    std::array<ByteRead, 4> reads;
    ByteRead of_other;
    for (ByteRead& read : reads) {
        loop.add_in_turn(read, Kind::read, file);
    }
    loop.add_in_turn(of_other, Kind::read, other_file);
    REQUIRE(workers_wait(2));
    other.fill("x");
    CHECK(loop.result_of(of_other) == 1);
    CHECK(count_blocked_in(SYS_preadv2) == 1);
    // Only the first of them is in the kernel: each gets the byte of its turn.
    CHECK_FALSE(loop.pool.take_back(reads[0]));
    CHECK(loop.pool.take_back(reads[2]));
    for (const std::size_t i : {0U, 1U, 3U}) {
        pipe.fill(std::string(1, static_cast<char>('0' + i)));
        CHECK(loop.result_of(reads[i]) == 1);
        CHECK(reads[i].bytes[0] == static_cast<std::byte>('0' + i));
    }
    loop.add_in_turn(reads[2], Kind::read, file); // and the turn is free again
    pipe.fill("2");
    CHECK(loop.result_of(reads[2]) == 1);
}

TEST_CASE("writes in turn on one file keep one thread") {
    PoolLoop loop{{.limit = 4}};
    Pipe pipe{O_NONBLOCK};
    const std::string page(4096, 'x');
    while (::write(pipe.writer, page.data(), page.size()) > 0) {
    }
    REQUIRE(::fcntl(pipe.writer, F_SETFL, 0) == 0);
    PlainFile file{pipe.writer};
    std::array<WorkerOperation, 5> writes;
    for (WorkerOperation& write : writes) {
        loop.add_in_turn(write, Kind::write, file);
    }
    REQUIRE(workers_wait(1, SYS_pwritev2));
    CHECK(loop.pool.take_back(writes[2]));
    CHECK(loop.pool.take_back(writes[4]));
    CHECK(count_blocked_in(SYS_pwritev2) == 1);
    std::string drained(std::size_t{1} << 16, '\0'); // as much as is in it: there is room for all
    REQUIRE(::read(pipe.reader, drained.data(), drained.size()) > 0);
    for (const std::size_t i : {0U, 1U, 3U}) {
        CHECK(loop.result_of(writes[i]) == 4096);
    }
}

TEST_CASE("the turn is passed on when the operation that has it is taken back") {
    PoolLoop loop{{.limit = 1}};
    Pipe blocking;
    Pipe pipe;
    PlainFile busy{blocking.reader};
    PlainFile file{pipe.reader};
    ByteRead keeps_it_busy;
    std::array<ByteRead, 3> reads;
    loop.add(keeps_it_busy, Kind::read, busy);
    REQUIRE(workers_wait(1));
    for (ByteRead& read : reads) {
        loop.add_in_turn(read, Kind::read, file);
    }
    REQUIRE(loop.pool.take_back(reads[0]));
    blocking.fill("x");
    CHECK(loop.result_of(keeps_it_busy) == 1);
    for (const std::size_t i : {1U, 2U}) {
        pipe.fill("y");
        CHECK(loop.result_of(reads[i]) == 1);
    }
}

/// Reads of it are taken for reads of a file on a disk that does not answer.
class StuckDisk : public Pipe {
public:
    StuckDisk() {
        file.traits.regular = true;
        file.traits.stream = false;
    }
    PlainFile file{reader};
};

TEST_CASE("reads that wait for their turn go on when those that have it are stuck") {
    PoolLoop loop;
    StuckDisk disk;
    std::array<ByteRead, 12> reads;
    for (ByteRead& read : reads) {
        loop.add(read, Kind::read, disk.file);
    }
    CHECK(eventually([&] { return count_blocked_in(SYS_preadv2) == reads.size(); }));
    disk.fill(std::string(reads.size(), 'x'));
    for (std::size_t i = 0; i < reads.size(); ++i) {
        CHECK(loop.next().result == 1);
    }
}

TEST_CASE("other files have their turn between two operations of one file") {
    PoolLoop loop{{.limit = 1}};
    Pipe pipe;
    PlainFile file{pipe.reader};
    std::array<ByteRead, 3> reads;
    for (ByteRead& read : reads) {
        loop.add_in_turn(read, Kind::read, file);
    }
    REQUIRE(workers_wait(1));
    const TemporaryFile content{"abc"};
    PlainFile other_file{content};
    WorkerOperation of_other;
    loop.add(of_other, Kind::read, other_file);
    pipe.fill("xyz");
    CHECK(&loop.next() == &reads.front());
    CHECK(&loop.next() == &of_other);
    CHECK(&loop.next() == &reads[1]);
    CHECK(&loop.next() == &reads[2]);
}

} // namespace
} // namespace aioxx::test
