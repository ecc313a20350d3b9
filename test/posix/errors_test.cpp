// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Which mistakes the call reports, and which ones aio_error.

#include "posix/answer.hpp"
#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include <limits>

namespace aioxx::test {
namespace {

POSIX_CASE("a read or a write on no open descriptor is accepted and fails with EBADF") {
    Block read{closed_descriptor(), 8};
    Block write{closed_descriptor(), "content"};
    CHECK(answer([&] { return aio_read(read); }) == accepted);
    CHECK(answer([&] { return aio_write(write); }) == accepted);
    CHECK(read.wait() == EBADF);
    CHECK(write.wait() == EBADF);
    CHECK(read.result() == -1);
    CHECK(write.result() == -1);
    Block negative{-1, 8};
    CHECK(answer([&] { return aio_read(negative); }) == accepted);
    CHECK(negative.wait() == EBADF);
}

POSIX_CASE("a read on a descriptor opened for writing fails with EBADF, and the other way round") {
    const TemporaryFile written{"content", O_WRONLY};
    const TemporaryFile read_only{"content", O_RDONLY};
    Block read{written, 8};
    Block write{read_only, "content"};
    CHECK(aio_read(read) == 0);
    CHECK(aio_write(write) == 0);
    CHECK(read.wait() == EBADF);
    CHECK(write.wait() == EBADF);
    CHECK(read_only.content() == "content");
}

POSIX_CASE("aio_fsync and aio_cancel report EBADF themselves") {
    Block block{closed_descriptor()};
    CHECK(answer([&] { return aio_fsync(O_SYNC, block); }) == bad_descriptor);
    CHECK(answer([&] { return aio_fsync(O_DSYNC, block); }) == bad_descriptor);
    CHECK(answer([&] { return aio_cancel(closed_descriptor(), nullptr); }) == bad_descriptor);
    CHECK(answer([&] { return aio_cancel(closed_descriptor(), block); }) == bad_descriptor);
}

POSIX_CASE("a reqprio below 0 or above 20 is refused by the call, and what lies between is taken") {
    const TemporaryFile file{"content"};
    CHECK(::sysconf(_SC_AIO_PRIO_DELTA_MAX) == 20);
    for (const int priority : {-1, 21, 1000, std::numeric_limits<int>::min()}) {
        CAPTURE(priority);
        Block read{file, 7};
        read->aio_reqprio = priority;
        CHECK(answer([&] { return aio_read(read); }) == invalid);
        Block write{file, "changed"};
        write->aio_reqprio = priority;
        CHECK(answer([&] { return aio_write(write); }) == invalid);
    }
    CHECK(file.content() == "content");
    for (const int priority : {0, 1, 20}) {
        CAPTURE(priority);
        Block read{file, 7};
        read->aio_reqprio = priority;
        CHECK(answer([&] { return aio_read(read); }) == accepted);
        CHECK(read.await_result() == 7);
    }
}

POSIX_CASE("aio_fsync ignores the reqprio") {
    const TemporaryFile file{"content"};
    for (const int priority : {-1, 21}) {
        Block sync{file};
        sync->aio_reqprio = priority;
        CHECK(answer([&] { return aio_fsync(O_SYNC, sync); }) == accepted);
        CHECK(sync.await_result() == 0);
    }
}

POSIX_CASE("an fsync operation other than O_SYNC and O_DSYNC is refused by the call") {
    const TemporaryFile file{"content"};
    for (const int operation : {0, -1, O_APPEND, O_SYNC | O_APPEND}) {
        CAPTURE(operation);
        Block sync{file};
        CHECK(answer([&] { return aio_fsync(operation, sync); }) == invalid);
    }
}

POSIX_CASE("a bad list mode and a negative count are refused by lio_listio") {
    const TemporaryFile file{"content"};
    Block read{file, 7};
    read.as(LIO_READ);
    aiocb* const list[] = {read};
    for (const int mode : {-1, 2, 77}) {
        CHECK(answer([&] { return lio_listio(mode, list, 1, nullptr); }) == invalid);
    }
    // to glibc it is an empty list
    CHECK(answer([&] { return lio_listio(LIO_WAIT, list, -1, nullptr); }) ==
          differs(accepted, invalid));
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, list, -1, nullptr); }) ==
          differs(accepted, invalid));
}

POSIX_CASE("a negative count is refused by aio_suspend") {
    const TemporaryFile file{"content"};
    Block read{file, 7};
    const aiocb* const list[] = {read};
    CHECK(answer([&] { return aio_suspend(list, -1, nullptr); }) == invalid);
}

POSIX_CASE("aio_cancel refuses a descriptor that is not the one of the block") {
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    CHECK(answer([&] { return aio_cancel(pipe.writer, read); }) == invalid);
    CHECK(read.pending());
    pipe.fill("x");
    CHECK(read.await_result() == 1);
}

POSIX_CASE("aio_fsync works on a descriptor opened for reading") {
    const TemporaryFile file{"content", O_RDONLY};
    for (const int operation : {O_SYNC, O_DSYNC}) {
        Block sync{file};
        CHECK(answer([&] { return aio_fsync(operation, sync); }) == accepted);
        CHECK(sync.await_result() == 0);
    }
}

POSIX_CASE("a block that was never submitted has the error EINVAL, and so has the call") {
    const TemporaryFile file{"content"};
    const Block garbage{file, 7};
    aiocb zeros{};
    zeros.aio_fildes = file;
    if (on_glibc()) { // it returns the field, whatever is in there
        CHECK(aio_error(&zeros) == 0);
        CHECK(aio_return(&zeros) == 0);
        return;
    }
    CHECK(answer([&] { return aio_error(garbage); }) == invalid);
    CHECK(answer([&] { return aio_error(&zeros); }) == invalid);
    CHECK(answer([&] { return aio_return(garbage); }) == invalid);
    CHECK(answer([&] { return aio_return(&zeros); }) == invalid);
}

POSIX_CASE("a second aio_return is refused, while aio_error still gives the error") {
    const TemporaryFile file{"content"};
    Block read{file, 7};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.wait() == 0);
    CHECK(read.result() == 7);
    CHECK(read.error() == 0);
    // glibc gives the same once more
    CHECK(answer([&] { return aio_return(read); }) == differs(std::string{"7"}, invalid));
    CHECK(read.error() == 0);

    Block failing{closed_descriptor(), 7};
    REQUIRE(aio_read(failing) == 0);
    CHECK(failing.wait() == EBADF);
    CHECK(failing.result() == -1);
    CHECK(failing.error() == EBADF);
}

} // namespace
} // namespace aioxx::test
