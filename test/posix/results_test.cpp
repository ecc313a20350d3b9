// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What aio_error and aio_return tell in the end, for each kind of request.

#include "posix/answer.hpp"
#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include <limits>

namespace aioxx::test {
namespace {

POSIX_CASE("aio_fsync on a pipe or a socket fails with EINVAL through aio_error") {
    const Pipe pipe;
    const Sockets sockets;
    for (const int fd : {int{pipe.writer}, int{sockets.one}}) {
        for (const int operation : {O_SYNC, O_DSYNC}) {
            Block sync{fd};
            CHECK(answer([&] { return aio_fsync(operation, sync); }) == accepted);
            CHECK(sync.wait() == EINVAL);
            CHECK(sync.result() == -1);
        }
    }
}

POSIX_CASE("a negative offset fails with EINVAL through aio_error, on pipes as well") {
    const TemporaryFile file{"content"};
    const Pipe pipe;
    pipe.fill("content");
    for (const int fd : {int{file}, int{pipe.reader}}) {
        Block read{fd, 7, -1};
        CHECK(answer([&] { return aio_read(read); }) == accepted);
        CHECK(read.wait() == EINVAL);
        CHECK(read.result() == -1);
    }
    for (const int fd : {int{file}, int{pipe.writer}}) {
        Block write{fd, "changed", -1};
        CHECK(answer([&] { return aio_write(write); }) == accepted);
        CHECK(write.wait() == EINVAL);
        CHECK(write.result() == -1);
    }
    CHECK(file.content() == "content");
    CHECK(readable_bytes(pipe.reader) == 7);
}

POSIX_CASE("every other offset is ignored on a stream") {
    const Pipe pipe;
    const Sockets sockets;
    for (const auto& [reader, writer] :
         {std::pair<int, int>{pipe.reader, pipe.writer}, {sockets.one, sockets.other}}) {
        Block write{writer, "content", 4096};
        CHECK(aio_write(write) == 0);
        CHECK(write.await_result() == 7);
        Block read{reader, 7, 1'000'000'000};
        CHECK(aio_read(read) == 0);
        CHECK(read.await_result() == 7);
        CHECK(read.text() == "content");
    }
}

POSIX_CASE("an unknown way of notification is accepted, and there is none") {
    const TemporaryFile file{"content"};
    Block read{file, 7};
    read->aio_sigevent.sigev_notify = 77;
    CHECK(answer([&] { return aio_read(read); }) == accepted);
    CHECK(read.await_result() == 7);
}

POSIX_CASE("a signal number that does not exist gives EINVAL through aio_error") {
    const TemporaryFile file{"content"};
    for (const int number : {-1, 65, 1000}) {
        Block read{file, 7};
        read.signals(number);
        CHECK(answer([&] { return aio_read(read); }) == accepted);
        // glibc notices after the transfer, so that the error comes late
        CHECK(eventually([&] { return read.error() == EINVAL; }));
        CHECK(read.result() == -1);
    }
}

POSIX_CASE("a block is used again and again, and its result is that of the last time") {
    const TemporaryFile file{"content"};
    Block block{file, 7};
    for (int i = 0; i < 100; ++i) {
        REQUIRE(aio_read(block) == 0);
        CHECK(block.await_result() == 7);
        block->aio_fildes = closed_descriptor();
        REQUIRE(aio_read(block) == 0);
        CHECK(block.await_result() == -EBADF);
        block->aio_fildes = file;
    }
}

POSIX_CASE("a directory is EISDIR") {
    const Descriptor directory{::open("/var/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    Block read{directory, 7};
    CHECK(aio_read(read) == 0);
    CHECK(read.wait() == EISDIR);
}

POSIX_CASE("absurd lengths and addresses fail as in read and write") {
    const TemporaryFile file{"content"};
    const auto compare = [&](void* address, std::size_t length) {
        CAPTURE(length);
        for (const bool reads : {true, false}) {
            Block block{file};
            block->aio_buf = address;
            block->aio_nbytes = length;
            REQUIRE((reads ? aio_read(block) : aio_write(block)) == 0);
            const ssize_t here = block.await_result();
            const ssize_t there = reads ? ::syscall(SYS_pread64, int{file}, address, length, 0, 0)
                                        : ::syscall(SYS_pwrite64, int{file}, address, length, 0, 0);
            CHECK(here == (there < 0 ? -errno : there));
        }
    };
    char byte = 0;
    void* const nowhere = reinterpret_cast<void*>(std::uintptr_t{16});
    compare(nowhere, 7);
#if __SIZEOF_POINTER__ == 8
    compare(&byte, std::numeric_limits<std::size_t>::max());
#else
    compare(&byte, 0);
#endif
}

POSIX_CASE("a transfer of nothing succeeds, and of nothing at the end of the file as well") {
    const TemporaryFile file{"content"};
    Block nothing{file, 0};
    CHECK(aio_read(nothing) == 0);
    CHECK(nothing.await_result() == 0);
    Block behind{file, 7, 1000};
    CHECK(aio_read(behind) == 0);
    CHECK(behind.await_result() == 0);
    Block short_one{file, 100, 3};
    CHECK(aio_read(short_one) == 0);
    CHECK(short_one.await_result() == 4);
}

POSIX_CASE("the program's public fields are left alone by a request") {
    const TemporaryFile file{"content"};
    Block read{file, 7, 1};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.await_result() == 6);
    CHECK(read->aio_fildes == int{file});
    CHECK((read->aio_buf == read.data()));
    CHECK(read->aio_nbytes == 7);
    CHECK(read->aio_offset == 1);
    CHECK(read->aio_reqprio == 0);
    CHECK(read->aio_sigevent.sigev_notify == SIGEV_NONE);
}

} // namespace
} // namespace aioxx::test
