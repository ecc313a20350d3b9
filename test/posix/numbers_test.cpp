// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What a number stands for is found out with each request: for the program's numbers, and for those
// that the library has itself.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include <cstdint>
#include <cstring>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace aioxx::test {
namespace {

POSIX_CASE("a read of an eventfd whose number was another's, with a read waiting, reads its own") {
    NOT_ON_GLIBC("its threads read from whatever the number is by then");
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
    const Descriptor number{::fcntl(first, F_DUPFD_CLOEXEC, 0)};
    Block of_first{number, sizeof(std::uint64_t)};
    REQUIRE(aio_read(of_first) == 0);
    REQUIRE(::dup3(second, number, O_CLOEXEC) == int{number});
    Block of_second{number, sizeof(std::uint64_t)};
    REQUIRE(aio_read(of_second) == 0);
    add(second, 2);
    CHECK(of_second.outcome() == sizeof(std::uint64_t));
    CHECK(value_of(of_second) == 2);
    CHECK(aio_error(of_first) == EINPROGRESS);
    add(first, 1);
    CHECK(of_first.outcome() == sizeof(std::uint64_t));
    CHECK(value_of(of_first) == 1);
}

POSIX_CASE("who closes all descriptors, and opens others, finds them untouched by later requests") {
    constexpr int highest = 1008;
    const auto use = [] {
        const TemporaryFile file{"content"};
        const Block write{file, std::string_view{"written"}};
        const Block read{file, 7};
        Pipe pipe;
        const Block waits{pipe.reader};
        REQUIRE(aio_write(write) == 0);
        CHECK(write.outcome() == 7);
        REQUIRE(aio_read(read) == 0);
        CHECK(read.outcome() == 7);
        REQUIRE(aio_read(waits) == 0);
        pipe.fill("x");
        CHECK(waits.outcome() == 1);
    };
    use();
    for (int fd = 3; fd < highest; ++fd) {
        ::close(fd);
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
