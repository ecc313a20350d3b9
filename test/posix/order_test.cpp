// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Which requests are kept in order, and that no others are.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "devices/fuse_server.hpp"

#include <sys/resource.h>
#include <termios.h>

namespace aioxx::test {
namespace {

std::string of_size(std::size_t size, std::size_t number) {
    std::string text = std::to_string(number) + ' ';
    text.resize(size, static_cast<char>('a' + number % 26));
    return text;
}

POSIX_CASE("writes to a file opened with O_APPEND come in the order of the calls") {
    for (const int flags : {O_WRONLY | O_APPEND, O_WRONLY | O_APPEND | O_DIRECT}) {
        const bool direct = (flags & O_DIRECT) != 0;
        const std::size_t size = direct ? 4096 : 100;
        const TemporaryFile file{{}, flags};
        std::vector<Block> blocks;
        std::string expected;
        for (std::size_t i = 0; i < (direct ? 64U : 500U); ++i) {
            expected += of_size(size, i);
            // the offset has no meaning here
            REQUIRE(aio_write(blocks.emplace_back(file, of_size(size, i))) == 0);
        }
        for (const Block& block : blocks) {
            CHECK(block.await_result() == static_cast<ssize_t>(size));
        }
        CHECK(file.content() == expected);
    }
}

/// Ten reads of a byte each, and then ten bytes.
void check_reads_in_order(int reader, int writer) {
    std::vector<Block> blocks;
    for (int i = 0; i < 10; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(reader)) == 0);
    }
    REQUIRE(::write(writer, "0123456789", 10) == 10);
    std::string received;
    for (const Block& block : blocks) {
        received += block.await_result() == 1 ? block.text() : "?";
    }
    CHECK(received == "0123456789");
}

POSIX_CASE("reads on one stream are first in, first out") {
    const Pipe pipe;
    check_reads_in_order(pipe.reader, pipe.writer);
    const Sockets sockets;
    check_reads_in_order(sockets.one, sockets.other);
    const Terminal terminal;
    termios modes{};
    ::tcgetattr(terminal.slave, &modes);
    ::cfmakeraw(&modes);
    ::tcsetattr(terminal.slave, TCSANOW, &modes);
    check_reads_in_order(terminal.slave, terminal.master);
    check_reads_in_order(terminal.master, terminal.slave);
}

/// Twenty writes that are more than fits, read slowly.
void check_writes_in_order(int writer, int reader) {
    std::vector<Block> blocks;
    std::string expected;
    for (std::size_t i = 0; i < 20; ++i) {
        expected += of_size(50'000, i);
        REQUIRE(aio_write(blocks.emplace_back(writer, of_size(50'000, i))) == 0);
    }
    std::string received;
    std::array<char, 30'000> part{};
    while (received.size() < expected.size()) {
        const ssize_t length = ::read(reader, part.data(), part.size());
        REQUIRE(length > 0);
        received.append(part.data(), static_cast<std::size_t>(length));
    }
    for (const Block& block : blocks) {
        CHECK(block.await_result() == 50'000);
    }
    CHECK((received == expected));
}

POSIX_CASE("writes to one stream are first in, first out, and whole") {
    const Pipe pipe;
    check_writes_in_order(pipe.writer, pipe.reader);
    const Sockets sockets;
    check_writes_in_order(sockets.one, sockets.other);
}

POSIX_CASE("a write to a socket does not wait for a read from it") {
    // glibc makes one after the other on a descriptor: this read would delay the write
    NOT_ON_GLIBC("all requests on one descriptor wait for each other");
    const Sockets sockets;
    Block read{sockets.one};
    Block write{sockets.one, "question"};
    REQUIRE(aio_read(read) == 0);
    REQUIRE(aio_write(write) == 0);
    CHECK(write.await_result() == 8);
    CHECK(read.pending());
    CHECK(::write(sockets.other, "!", 1) == 1);
    CHECK(read.await_result() == 1);
}

POSIX_CASE("aio_fsync comes after every earlier request on its descriptor") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Descriptor file{::open(server->file("gate").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    server->close_gate();
    Block write{file, std::string(4096, 'w')};
    Block sync{file};
    REQUIRE(aio_write(write) == 0);
    server->await_waiting(1);
    REQUIRE(aio_fsync(O_DSYNC, sync) == 0);
    // an fsync at the gate would be the newest, and pass
    server->release_newest();
    CHECK(write.await_result() == 4096);
    server->await_waiting(1);
    CHECK(sync.pending());
    server->open_gate();
    CHECK(sync.await_result() == 0);
}

POSIX_CASE("aio_fsync waits for the requests on no other descriptor") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const TemporaryFile other{"content"};
    const Descriptor file{::open(server->file("gate").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    server->close_gate();
    Block read{file, 4096};
    REQUIRE(aio_read(read) == 0);
    server->await_waiting(1);
    Block sync{other};
    REQUIRE(aio_fsync(O_SYNC, sync) == 0);
    CHECK(sync.await_result() == 0);
    CHECK(read.pending());
    server->open_gate();
    CHECK(read.await_result() == 4096);
}

POSIX_CASE("a request does not wait for an earlier fsync") {
    NOT_ON_GLIBC("all requests on one descriptor wait for each other");
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Descriptor file{::open(server->file("gate").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    server->close_gate();
    Block sync{file};
    Block read{file, 4096};
    REQUIRE(aio_fsync(O_SYNC, sync) == 0);
    server->await_waiting(1);
    REQUIRE(aio_read(read) == 0);
    server->await_waiting(2);
    server->release_newest();
    CHECK(read.await_result() == 4096);
    CHECK(sync.pending());
    server->open_gate();
    CHECK(sync.await_result() == 0);
}

POSIX_CASE("requests on one file run side by side") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Descriptor file{::open(server->file("gate").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    server->close_gate();
    std::vector<Block> blocks;
    const unsigned count = without_kernel_aio() ? 12 : 16; // no more workers for one server
    for (unsigned i = 0; i < count; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(file, 4096, static_cast<off_t>(i) * 4096)) == 0);
    }
    // glibc has one thread for one descriptor
    server->await_waiting(differs(1U, count));
    if (!on_glibc()) {
        server->release_newest();
        CHECK(blocks[0].pending());
    }
    server->open_gate();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        CHECK(blocks[i].await_result() == 4096);
        CHECK(blocks[i].text()[0] == static_cast<char>(i * 8));
    }
}

POSIX_CASE("of the requests that wait for room, those with the smallest reqprio go first") {
    auto server = attempt<FuseServer>(65'536U);
    if (!server) {
        SKIP_CASE(server.reason());
    }
    constexpr std::size_t count = 6000;
    const Descriptor file{::open(server->file("gate").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    server->close_gate();
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < count; ++i) {
        Block& read = blocks.emplace_back(file, 512, static_cast<off_t>(i % 2048) * 512);
        read->aio_reqprio = 20;
        REQUIRE(aio_read(read) == 0);
    }
    Block urgent{file, 512};
    REQUIRE(aio_read(urgent) == 0);
    std::size_t released = 0;
    for (; released < count && urgent.pending(); ++released) {
        server->await_waiting(1);
        server->release_oldest();
    }
    CHECK(urgent.wait() == 0);
    CHECK(released < count / 2); // all that were in the kernel's hands already, and itself
    server->open_gate();
    for (const Block& block : blocks) {
        CHECK(block.await_result() == 512);
    }
}

} // namespace
} // namespace aioxx::test
