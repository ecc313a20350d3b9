// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// fallocate and ftruncate as operations, and flushes of directories.
#include "queue/write_signals.hpp"
#include "skip.hpp"

#include <chrono>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t room = 1 << 20; // bytes

template <typename Described>
std::int64_t result_of(aioxx::Queue& queue, Described described) {
    std::int64_t result = 1;
    std::move(described).start(
        [&result](const aioxx::Completion& done) { result = done.result(); });
    queue.run();
    return result;
}

std::int64_t allocated(const aioxx::File& file) {
    struct stat status {};
    REQUIRE(::fstat(file.fd(), &status) == 0);
    return std::int64_t{status.st_blocks} * 512;
}

} // namespace

TEST_CASE("room is reserved, given back and cut off, by workers and without any") {
    for (const unsigned workers : {16U, 0U}) {
        CAPTURE(workers);
        aioxx::Queue queue{{.workers = workers}};
        const aioxx::File file = disk_file(O_RDWR, std::string(4096, 'x'));
        CHECK(result_of(queue, queue.fallocate(file, 0, 0, room)) == 0);
        CHECK(file.size() == room);
        CHECK(allocated(file) >= room);
        CHECK(result_of(queue, queue.fallocate(file, FALLOC_FL_KEEP_SIZE, room, room)) == 0);
        CHECK(file.size() == room);
        CHECK(allocated(file) >= 2 * room);
        CHECK(result_of(queue, queue.fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0,
                                               std::int64_t{1} << 32)) == 0);
        CHECK(allocated(file) < 2 * room); // what is behind the end stays
        CHECK(result_of(queue, queue.ftruncate(file, 3 * room)) == 0);
        CHECK(file.size() == 3 * room);
        CHECK(result_of(queue, queue.ftruncate(file, 5)) == 0);
        CHECK(file.size() == 5);
        CHECK(queue.statistics().offloaded == 5);
    }
}

TEST_CASE("what cannot be resized says why") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "abc");
    const aioxx::File read_only = disk_file(O_RDONLY, "abc");
    const Ends pipe = make_pipe();
    CHECK(result_of(queue, queue.fallocate(file, 0, -1, 1)) == -EINVAL);
    CHECK(result_of(queue, queue.fallocate(file, 0, 0, 0)) == -EINVAL);
    CHECK(result_of(queue, queue.fallocate(file, 0, 0, -1)) == -EINVAL);
    CHECK(result_of(queue, queue.fallocate(file, 0, INT64_MAX, 1)) == -EFBIG);
    CHECK(result_of(queue, queue.fallocate(file, 1 << 30, 0, 1)) == -EOPNOTSUPP);
    CHECK(result_of(queue, queue.fallocate(read_only, 0, 0, 1)) == -EBADF);
    CHECK(result_of(queue, queue.fallocate(pipe.writer, 0, 0, 1)) == -ESPIPE);
    CHECK(result_of(queue, queue.ftruncate(file, -1)) == -EINVAL);
    CHECK(result_of(queue, queue.ftruncate(read_only, 0)) == -EINVAL);
    CHECK(result_of(queue, queue.ftruncate(pipe.writer, 0)) == -EINVAL);
    CHECK(file.size() == 3);
}

TEST_CASE("a file that is made larger than its limit is EFBIG, and no signal") {
    SKIP_UNDER_TSAN("a child of many threads that makes threads");
    for (const unsigned workers : {16U, 0U}) {
        CAPTURE(workers);
        check_without_signals([&] {
            const rlimit limit{8192, RLIM_INFINITY};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            aioxx::Queue queue{{.workers = workers}};
            const aioxx::File file = disk_file(O_RDWR, "abc");
            return (result_of(queue, queue.fallocate(file, 0, 0, 8193)) == -EFBIG ? 0 : 1) +
                   (result_of(queue, queue.ftruncate(file, 8193)) == -EFBIG ? 0 : 2) +
                   (result_of(queue, queue.ftruncate(file, 8192)) == 0 ? 0 : 4);
        });
    }
}

TEST_CASE("resizing is awaited, fails by exception, and takes deadlines") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "abc");
    aioxx::run(queue, [](aioxx::Queue& on, const aioxx::File& of) -> aioxx::Task<> {
        co_await on.fallocate(of, 0, 0, room).within(1h);
        CHECK(of.size() == room);
        CHECK_THROWS_AS(co_await on.ftruncate(of, -1), std::system_error);
        co_await on.ftruncate(of, 7);
    }(queue, file));
    CHECK(file.size() == 7);
    CHECK(result_of(queue, queue.ftruncate(file, 1).within(0ns)) == -ETIMEDOUT);
    CHECK(file.size() == 7);
}

TEST_CASE("a directory is flushed, so that what was made in it stays") {
    aioxx::Queue queue;
    const aioxx::File directory = aioxx::File::open("/var/tmp", O_RDONLY | O_DIRECTORY);
    CHECK(result_of(queue, queue.fsync(directory)) == 0);
    CHECK(result_of(queue, queue.fdatasync(directory)) == 0);
    CHECK(result_of(queue, queue.fallocate(directory, 0, 0, 1)) < 0);
}
