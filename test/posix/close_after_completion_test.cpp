// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// When the requests on a file are done nothing keeps it open: closed by the program, it is closed.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include <csignal>

#include <sys/file.h>

namespace aioxx::test {
namespace {

constexpr int rounds = 200;

POSIX_CASE("a lock ends with the file that the program closes when its write is done") {
    for (int i = 0; i < rounds; ++i) {
        TemporaryFile file{"content"};
        const std::string path = "/proc/self/fd/" + std::to_string(int{file});
        const Descriptor rival{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
        REQUIRE(::flock(file, LOCK_EX) == 0);
        const Block write{file, std::string_view{"written"}};
        REQUIRE(aio_write(write) == 0);
        REQUIRE(write.await_result() == 7);
        file.close();
        REQUIRE(::flock(rival, LOCK_EX | LOCK_NB) == 0);
    }
}

POSIX_CASE("a pipe whose reader is closed when its read is done has no reader") {
    ::signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < rounds; ++i) {
        Pipe pipe;
        const Block read{pipe.reader};
        REQUIRE(aio_read(read) == 0);
        pipe.fill("x");
        REQUIRE(read.await_result() == 1);
        pipe.reader.close();
        REQUIRE(::write(pipe.writer, "y", 1) == -1);
        CHECK(errno == EPIPE);
    }
}

POSIX_CASE("a pipe whose writer is closed when its write is done is at its end") {
    for (int i = 0; i < rounds; ++i) {
        Pipe pipe;
        const Block write{pipe.writer, std::string_view{"x"}};
        REQUIRE(aio_write(write) == 0);
        REQUIRE(write.await_result() == 1);
        pipe.writer.close();
        char byte = 0;
        REQUIRE(::read(pipe.reader, &byte, 1) == 1);
        REQUIRE(::read(pipe.reader, &byte, 1) == 0); // does not wait
    }
}

} // namespace
} // namespace aioxx::test
