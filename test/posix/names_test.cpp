// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Every function under each of its names. This program is compiled for each set of names, with
// _FILE_OFFSET_BITS and _TIME_BITS as that set needs.

#include "posix/answer.hpp"
#include "posix/block.hpp"
#include "posix/own_process.hpp"

namespace aioxx::test {
namespace {

POSIX_CASE("the offset and the time have the size that these names have") {
    CHECK(sizeof(off_t) == NAMES_OFFSET_BITS / 8);
    CHECK(sizeof(time_t) == NAMES_TIME_BITS / 8);
}

POSIX_CASE("it reads, writes and syncs at an offset") {
    const TemporaryFile file{"0123456789"};
    Block write{file, "abc", 4};
    REQUIRE(aio_write(write) == 0);
    CHECK(write.await_result() == 3);
    Block sync{file};
    REQUIRE(aio_fsync(O_SYNC, sync) == 0);
    CHECK(sync.await_result() == 0);
    Block read{file, 6, 2};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.await_result() == 6);
    CHECK(read.text() == "23abc7");
    CHECK(read->aio_offset == 2);
}

POSIX_CASE("a negative offset is EINVAL") {
    const TemporaryFile file{"content"};
    Block read{file, 7, -1};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.wait() == EINVAL);
}

#if NAMES_OFFSET_BITS == 64
POSIX_CASE("an offset beyond four gigabytes is kept") {
    const TemporaryFile file;
    const off_t far = (off_t{5} << 30) + 3;
    Block write{file, "content", far};
    REQUIRE(aio_write(write) == 0);
    CHECK(write.await_result() == 7);
    CHECK(::lseek(file, 0, SEEK_END) == far + 7);
    Block read{file, 7, far};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.await_result() == 7);
    CHECK(read.text() == "content");
}
#endif

POSIX_CASE("it waits, and times out") {
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    const aiocb* const list[] = {read};
    const timespec time{0, 20'000'000};
    const auto begin = std::chrono::steady_clock::now();
    CHECK(answer([&] { return aio_suspend(list, 1, &time); }) == "-1 EAGAIN");
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds{20});
    pipe.fill("x");
    CHECK(answer([&] { return aio_suspend(list, 1, nullptr); }) == accepted);
    CHECK(read.await_result() == 1);
}

POSIX_CASE("it makes lists") {
    const TemporaryFile file{"0123456789"};
    Block first{file, 3, 1};
    Block second{file, "xyz", 7};
    aiocb* const list[] = {first.as(LIO_READ), nullptr, second.as(LIO_WRITE)};
    CHECK(answer([&] { return lio_listio(LIO_WAIT, list, 3, nullptr); }) == accepted);
    CHECK(first.text() == "123");
    CHECK(second.error() == 0);
    CHECK(file.content() == "0123456xyz");
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, list, 3, nullptr); }) == accepted);
    CHECK(first.await_result() == 3);
    CHECK(second.await_result() == 3);
}

POSIX_CASE("it cancels") {
    const Pipe pipe;
    Block first{pipe.reader};
    Block second{pipe.reader};
    REQUIRE(aio_read(first) == 0);
    REQUIRE(aio_read(second) == 0);
    CHECK(aio_cancel(pipe.reader, second) == AIO_CANCELED);
    CHECK(second.wait() == ECANCELED);
    CHECK(second.result() == -1);
    pipe.fill("x");
    CHECK(first.await_result() == 1);
    CHECK(aio_cancel(pipe.reader, nullptr) == AIO_ALLDONE);
}

} // namespace
} // namespace aioxx::test
