// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Reads of what is in memory are done in the call where the descriptor was seen to be such a
// file's. They are right whatever file the descriptor has become since.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "devices/fuse_server.hpp"
#include "devices/new_file_system.hpp"
#include "engine/watchdog.hpp"

#include <csignal>
#include <cstdint>

#include <sys/eventfd.h>
#include <sys/mman.h>

namespace aioxx::test {
namespace {

constexpr std::size_t page = 4096;

/// A file in memory, open for reading and writing.
Descriptor memory_file(const std::string& content) {
    Descriptor file{::memfd_create("posix", MFD_CLOEXEC)};
    REQUIRE(::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    return file;
}

/// After these the drop-in knows that the file is a cached one.
void read_twice(int file) {
    for (int i = 0; i < 2; ++i) {
        const Block read{file, page};
        REQUIRE(aio_read(read) == 0);
        REQUIRE(read.await_result() == page);
    }
}

void check_reads(int file, const std::string& content) {
    struct Expected {
        std::size_t bytes;
        std::size_t offset;
    };
    for (const Expected& each : {Expected{page, 0},
                                 {page, page},
                                 {page, content.size() - 10},
                                 {page, content.size()},
                                 {page, content.size() + page},
                                 {0, 0},
                                 {content.size() + 1, 0},
                                 {1, content.size() - 1}}) {
        CAPTURE(each.bytes);
        CAPTURE(each.offset);
        const std::string right = content.substr(std::min(each.offset, content.size()), each.bytes);
        for (int i = 0; i < 3; ++i) {
            const Block read{file, each.bytes, static_cast<off_t>(each.offset)};
            REQUIRE(aio_read(read) == 0);
            REQUIRE(read.await_result() == static_cast<ssize_t>(right.size()));
            CHECK((read.text().substr(0, right.size()) == right));
            CHECK((on_glibc() || read.result() == -1)); // aio_return gives it once
        }
    }
}

std::string some_pages() {
    std::string content;
    for (int i = 0; content.size() < 3 * page + 100; ++i) {
        content += std::to_string(i) + ' ';
    }
    return content;
}

POSIX_CASE("reads of a file that is cached, at its end and beyond, give what is there") {
    const std::string content = some_pages();
    check_reads(TemporaryFile{content}, content);
    check_reads(memory_file(content), content);
}

POSIX_CASE("a cached read sees what was written before it was made") {
    const TemporaryFile on_disk{std::string(page, '?')};
    const Descriptor in_memory = memory_file(std::string(page, '?'));
    for (const int file : {int{on_disk}, int{in_memory}}) {
        read_twice(file);
        for (char letter = 'a'; letter <= 'z'; ++letter) {
            const Block write{file, std::string(page, letter)};
            REQUIRE(aio_write(write) == 0);
            REQUIRE(write.await_result() == page);
            const Block read{file, page};
            REQUIRE(aio_read(read) == 0);
            REQUIRE(read.await_result() == page);
            CHECK((read.text() == std::string(page, letter)));
        }
    }
}

POSIX_CASE("what is refused is refused for a cached file as well") {
    const Descriptor file = memory_file(some_pages());
    read_twice(file);
    Block wrong_signal{file, page};
    wrong_signal.signals(-1);
    CHECK(aio_read(wrong_signal) == 0);
    CHECK(wrong_signal.await_result() == -EINVAL);
    const Block negative{file, page, -1};
    CHECK(aio_read(negative) == 0);
    CHECK(negative.await_result() == -EINVAL);
    const Block nowhere{file, page};
    nowhere->aio_buf = nullptr;
    CHECK(aio_read(nowhere) == 0);
    CHECK(nowhere.await_result() == -EFAULT);
    const Block priority{file, page};
    priority->aio_reqprio = 21;
    CHECK(aio_read(priority) == -1);
    CHECK(errno == EINVAL);
}

POSIX_CASE("a read that is done in the call still sends its signal, after the call") {
    const BlockedSignal signal{SIGRTMIN + 1};
    const Descriptor file = memory_file(some_pages());
    read_twice(file);
    Block read{file, page};
    REQUIRE(aio_read(read.signals(signal)) == 0);
    CHECK(signal.next());
    CHECK(read.error() == 0);
}

POSIX_CASE("a descriptor that was a cached file's waits as the file does that it is now") {
    const TemporaryFile on_disk{some_pages()};
    const Descriptor in_memory = memory_file(some_pages());
    for (const int file : {int{on_disk}, int{in_memory}}) {
        const Descriptor counter{::eventfd(0, EFD_CLOEXEC)};
        const Descriptor reused{::fcntl(file, F_DUPFD_CLOEXEC, 0)};
        read_twice(reused);
        REQUIRE(::dup3(counter, reused, O_CLOEXEC) == int{reused});
        const Block read{reused, sizeof(std::uint64_t)};
        REQUIRE(aio_read(read) == 0); // does not wait
        CHECK(read.error() == EINPROGRESS);
        constexpr std::uint64_t one = 1;
        REQUIRE(::write(counter, &one, sizeof(one)) == sizeof(one));
        CHECK(read.await_result() == sizeof(one));
    }
}

POSIX_CASE("a descriptor that was a cached file's may be that of a file on storage that hangs") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const TemporaryFile on_disk{some_pages()};
    const Descriptor in_memory = memory_file(some_pages());
    for (const int file : {int{on_disk}, int{in_memory}}) {
        const std::string name = "gate.of-" + std::to_string(file); // not cached yet
        const Descriptor hangs{::open(server->file(name).c_str(), O_RDONLY | O_CLOEXEC)};
        const Descriptor reused{::fcntl(file, F_DUPFD_CLOEXEC, 0)};
        read_twice(reused);
        REQUIRE(::dup3(hangs, reused, O_CLOEXEC) == int{reused});
        const Block read{reused, page};
        server->close_gate();
        REQUIRE(aio_read(read) == 0); // does not wait
        CHECK(read.error() == EINPROGRESS);
        server->open_gate();
        CHECK(read.await_result() == page);
    }
}

POSIX_CASE("a cached file that has become O_DIRECT is read from its device, and not waited for") {
    auto mounted = attempt<NewFileSystem<>>("ext4");
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    auto gate = attempt<Gate>(mounted->device());
    if (!gate) {
        SKIP_CASE(gate.reason());
    }
    const std::string content = some_pages();
    const Descriptor file{
        ::open(mounted->file("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    REQUIRE(::fsync(file) == 0);
    read_twice(file);
    gate->close();
    read_twice(file); // needs no device
    REQUIRE(::fcntl(file, F_SETFL, O_DIRECT) == 0);
    const Block read{file, page};
    Watchdog watchdog{[&gate] { gate->open(); }};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.error() == EINPROGRESS);
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    CHECK(read.await_result() == page);
    CHECK((read.text() == content.substr(0, page)));
}

POSIX_CASE("a descriptor that was a cached file's is EBADF after it was closed") {
    const Descriptor file = memory_file(some_pages());
    Descriptor reused{::fcntl(file, F_DUPFD_CLOEXEC, 0)};
    read_twice(reused);
    const Block read{reused, page};
    reused.close();
    REQUIRE(aio_read(read) == 0);
    CHECK(read.await_result() == -EBADF);
}

} // namespace
} // namespace aioxx::test
