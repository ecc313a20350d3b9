// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Each request finds out which file a descriptor is: one of the program's, and one of the library's
// own.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include <cstdint>
#include <cstring>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

POSIX_CASE("with a read waiting on an eventfd, another eventfd on its descriptor is read itself") {
    NOT_ON_GLIBC("its threads read from the file that the descriptor is by then");
    const auto add = [](int counter, std::uint64_t value) {
        REQUIRE(::write(counter, &value, sizeof(value)) == sizeof(value));
    };
    const auto value_of = [](const Block& block) {
        std::uint64_t value = 0;
        std::memcpy(&value, block.text().data(), sizeof(value));
        return value;
    };
    const Descriptor first{::eventfd(0, EFD_CLOEXEC)};
    const Descriptor second{::eventfd(0, EFD_CLOEXEC)};
    const Descriptor reused{::fcntl(first, F_DUPFD_CLOEXEC, 0)};
    Block of_first{reused, sizeof(std::uint64_t)};
    REQUIRE(aio_read(of_first) == 0);
    REQUIRE(::dup3(second, reused, O_CLOEXEC) == int{reused});
    Block of_second{reused, sizeof(std::uint64_t)};
    REQUIRE(aio_read(of_second) == 0);
    add(second, 2);
    CHECK(of_second.await_result() == sizeof(std::uint64_t));
    CHECK(value_of(of_second) == 2);
    CHECK(aio_error(of_first) == EINPROGRESS);
    add(first, 1);
    CHECK(of_first.await_result() == sizeof(std::uint64_t));
    CHECK(value_of(of_first) == 1);
}

POSIX_CASE("requests touch none of the files that a program opens after it has closed all") {
    constexpr int highest = 1008;
    const auto use = [] {
        const TemporaryFile file{"content"};
        const Block write{file, std::string_view{"written"}};
        const Block read{file, 7};
        Pipe pipe;
        const Block waits{pipe.reader};
        REQUIRE(aio_write(write) == 0);
        CHECK(write.await_result() == 7);
        REQUIRE(aio_read(read) == 0);
        CHECK(read.await_result() == 7);
        REQUIRE(aio_read(waits) == 0);
        pipe.fill("x");
        CHECK(waits.await_result() == 1);
    };
    use();
    for (int fd = 3; fd < highest; ++fd) {
        // The library's threads look at their descriptors meanwhile, which ThreadSanitizer would
        // call a race with close(): it is the one that is tested here.
        ::syscall(SYS_close, fd);
    }
    std::vector<int> files;
    for (int fd = highest - 1; fd > highest - 64; --fd) {
        const Descriptor file{::memfd_create("program's", MFD_CLOEXEC)};
        if (::dup3(file, fd, O_CLOEXEC) == fd) { // within RLIMIT_NOFILE
            files.push_back(fd);
        }
    }
    use();
    for (const int file : files) {
        struct stat status {};
        CHECK(::fstat(file, &status) == 0);
        CHECK(status.st_size == 0);
        CHECK(::lseek(file, 0, SEEK_CUR) == 0);
    }
}

} // namespace
} // namespace aioxx::test
