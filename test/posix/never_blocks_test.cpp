// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// No call that starts a request waits for it. A case that does not end has met one that waits.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "devices/fuse_server.hpp"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <termios.h>

namespace aioxx::test {
namespace {

/// A read is pending on `reader` until something is written to `writer`.
void check_read_waits(int reader, int writer, std::string_view text) {
    Block read{reader, text.size()};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.pending());
    REQUIRE(::write(writer, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    CHECK(read.await_result() == static_cast<ssize_t>(text.size()));
    CHECK(read.text() == text);
}

POSIX_CASE("aio_read waits neither for a pipe, a socket, a terminal nor a fifo") {
    const Pipe pipe;
    check_read_waits(pipe.reader, pipe.writer, "x");
    const Sockets sockets;
    check_read_waits(sockets.one, sockets.other, "x");
    const Terminal terminal; // which hands out lines
    check_read_waits(terminal.slave, terminal.master, "line\n");
    const TemporaryDirectory directory;
    REQUIRE(::mkfifo(directory.file("fifo").c_str(), 0600) == 0);
    const Descriptor fifo{::open(directory.file("fifo").c_str(), O_RDWR | O_CLOEXEC)};
    check_read_waits(fifo, fifo, "x");
}

POSIX_CASE("a descriptor that does not block answers EAGAIN, as in read") {
    const Pipe pipe{O_NONBLOCK};
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    if (on_glibc()) {
        CHECK(read.wait() == EAGAIN);
        return;
    }
    // POSIX allows to wait
    if (read.pending()) {
        pipe.fill("x");
        CHECK(read.await_result() == 1);
    } else {
        CHECK(read.error() == EAGAIN);
    }
}

/// Until something is read from `reader`, a write to `writer` is pending.
void check_write_waits(int writer, int reader) {
    const std::string content(1'000'000, 'w');
    Block write{writer, content};
    REQUIRE(aio_write(write) == 0);
    CHECK(write.pending());
    std::string received;
    std::array<char, 65'536> part{};
    while (received.size() < content.size()) {
        const ssize_t length = ::read(reader, part.data(), part.size());
        REQUIRE(length > 0);
        received.append(part.data(), static_cast<std::size_t>(length));
    }
    CHECK(write.await_result() == static_cast<ssize_t>(content.size()));
    CHECK((received == content));
}

POSIX_CASE("aio_write waits for no reader, and the write is whole all the same") {
    const Pipe pipe;
    check_write_waits(pipe.writer, pipe.reader);
    const Sockets sockets;
    check_write_waits(sockets.one, sockets.other);
    const TemporaryDirectory directory;
    REQUIRE(::mkfifo(directory.file("fifo").c_str(), 0600) == 0);
    const Descriptor fifo{::open(directory.file("fifo").c_str(), O_RDWR | O_CLOEXEC)};
    check_write_waits(fifo, fifo);
    const Terminal terminal;
    termios modes{};
    ::tcgetattr(terminal.slave, &modes);
    ::cfmakeraw(&modes);
    ::tcsetattr(terminal.slave, TCSANOW, &modes);
    check_write_waits(terminal.slave, terminal.master);
}

POSIX_CASE("aio_read and aio_write wait for no storage that hangs, buffered or direct") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    for (const int flags : {O_RDWR, O_RDWR | O_DIRECT}) {
        const Descriptor file{::open(server->file("gate").c_str(), flags | O_CLOEXEC)};
        server->close_gate();
        Block read{file, 4096, 8192 + (flags & O_DIRECT)};
        Block write{file, std::string(4096, 'w'), 65536};
        Block sync{file};
        REQUIRE(aio_read(read) == 0);
        CHECK(read.pending());
        REQUIRE(aio_write(write) == 0);
        CHECK(write.pending());
        REQUIRE(aio_fsync(O_SYNC, sync) == 0);
        CHECK(sync.pending());
        server->open_gate();
        CHECK(read.await_result() == 4096);
        CHECK(write.await_result() == 4096);
        CHECK(sync.await_result() == 0);
    }
}

POSIX_CASE("lio_listio waits for no storage that hangs either") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Descriptor file{::open(server->file("gate").c_str(), O_RDWR | O_CLOEXEC)};
    server->close_gate();
    std::vector<Block> blocks;
    for (int i = 0; i < 100; ++i) {
        blocks.emplace_back(file, 512, i * 4096).as(i % 2 == 0 ? LIO_READ : LIO_WRITE);
    }
    const std::vector<aiocb*> list = list_of(blocks);
    REQUIRE(lio_listio(LIO_NOWAIT, list.data(), 100, nullptr) == 0);
    for (const Block& block : blocks) {
        CHECK(block.pending());
    }
    server->open_gate();
    for (const Block& block : blocks) {
        CHECK(block.await_result() == 512);
    }
}

POSIX_CASE("files in /proc are read like others") {
    const Descriptor file{::open("/proc/self/status", O_RDONLY | O_CLOEXEC)};
    Block read{file, 6};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.await_result() == 6);
    CHECK(read.text() == "Name:\t");
}

POSIX_CASE("files in /proc are written like others, and what takes no offset ignores it") {
    const Descriptor file{::open("/proc/self/comm", O_RDWR | O_CLOEXEC)};
    const Block write{file, std::string_view{"renamed"}};
    REQUIRE(aio_write(write) == 0);
    CHECK(write.await_result() == 7);
    const Block read{file, 8};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.await_result() == 8);
    CHECK(read.text() == "renamed\n");
}

POSIX_CASE("a file that has no call for reading or writing fails at once") {
    const Descriptor epoll{::epoll_create1(EPOLL_CLOEXEC)};
    const Block read{epoll, 8};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.await_result() == -EINVAL);
    const Descriptor timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
    const Block write{timer, std::string_view{"12345678"}};
    REQUIRE(aio_write(write) == 0);
    CHECK(write.await_result() == -EINVAL);
}

POSIX_CASE("forty reads that wait on pipes do not hold up a read of a file") {
    const TemporaryFile file{"content"};
    std::vector<Pipe> pipes(40);
    std::vector<Block> waiting;
    for (const Pipe& pipe : pipes) {
        REQUIRE(aio_read(waiting.emplace_back(pipe.reader)) == 0);
    }
    Block read{file, 7};
    REQUIRE(aio_read(read) == 0);
    if (!on_glibc()) { // all its twenty threads wait
        CHECK(read.await_result() == 7);
    }
    for (const Pipe& pipe : pipes) {
        pipe.fill("x");
    }
    for (const Block& block : waiting) {
        CHECK(block.await_result() == 1);
    }
    CHECK(read.wait() == 0);
}

} // namespace
} // namespace aioxx::test
