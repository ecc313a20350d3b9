// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What aio_cancel cancels, and what it answers for the rest.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "devices/fuse_server.hpp"

#include <atomic>
#include <thread>

#include <termios.h>

namespace aioxx::test {
namespace {

void make_raw(int terminal) {
    termios modes{};
    REQUIRE(::tcgetattr(terminal, &modes) == 0);
    ::cfmakeraw(&modes);
    REQUIRE(::tcsetattr(terminal, TCSANOW, &modes) == 0);
}

POSIX_CASE("a queued request is cancelled: ECANCELED, -1, and its notification comes") {
    const Pipe pipe;
    const BlockedSignal signal{SIGRTMIN};
    Block first{pipe.reader};
    Block queued{pipe.reader};
    REQUIRE(aio_read(first) == 0);
    REQUIRE(aio_read(queued.signals(signal)) == 0);
    CHECK(aio_cancel(pipe.reader, queued) == AIO_CANCELED);
    CHECK(queued.error() == ECANCELED);
    const auto notice = signal.next();
    REQUIRE(notice);
    CHECK(notice->si_value.sival_ptr == static_cast<aiocb*>(queued));
    CHECK(queued.result() == -1);
    CHECK(first.pending());
    pipe.fill("x");
    CHECK(first.await_result() == 1);
    CHECK(!signal.there());
}

POSIX_CASE("a cancelled request notifies by a thread as well") {
    static std::atomic<int> called{0};
    const Pipe pipe;
    Block first{pipe.reader};
    Block queued{pipe.reader};
    REQUIRE(aio_read(first) == 0);
    queued->aio_sigevent.sigev_notify = SIGEV_THREAD;
    queued->aio_sigevent.sigev_notify_attributes = nullptr;
    queued->aio_sigevent.sigev_value.sival_ptr = static_cast<aiocb*>(queued);
    queued->aio_sigevent.sigev_notify_function = [](sigval value) {
        called = ::aio_error(static_cast<aiocb*>(value.sival_ptr));
    };
    REQUIRE(aio_read(queued) == 0);
    CHECK(aio_cancel(pipe.reader, queued) == AIO_CANCELED);
    CHECK(eventually([] { return called == ECANCELED; }));
    pipe.fill("x");
    CHECK(first.await_result() == 1);
}

/// A read waits on `reader`, is cancelled, and what is written afterwards is there for read(2).
void check_cancelled_read(int reader, int writer) {
    const BlockedSignal signal{SIGRTMIN};
    Block read{reader};
    REQUIRE(aio_read(read.signals(signal)) == 0);
    if (on_glibc()) { // a thread of it is in the read
        const int said = aio_cancel(reader, read);
        CHECK((said == AIO_NOTCANCELED || said == AIO_CANCELED));
        CHECK(::write(writer, "x", 1) == 1);
        CHECK(read.wait() == (said == AIO_CANCELED ? ECANCELED : 0));
        return;
    }
    CHECK(aio_cancel(reader, read) == AIO_CANCELED);
    CHECK(read.wait() == ECANCELED);
    CHECK(read.result() == -1);
    CHECK(signal.next());
    REQUIRE(::write(writer, "y", 1) == 1);
    char byte = 0;
    CHECK(::read(reader, &byte, 1) == 1);
    CHECK(byte == 'y');
    CHECK(!signal.there());
}

POSIX_CASE("a read that waits on a pipe, a socket or a terminal is really cancelled") {
    const Pipe pipe;
    check_cancelled_read(pipe.reader, pipe.writer);
    const Sockets sockets;
    check_cancelled_read(sockets.one, sockets.other);
    const Terminal terminal;
    make_raw(terminal.slave);
    check_cancelled_read(terminal.slave, terminal.master);
    check_cancelled_read(terminal.master, terminal.slave);
}

POSIX_CASE("a cancelled request ends the waits for it") {
    NOT_ON_GLIBC("it cancels no read that a thread is in");
    const Pipe pipe;
    Block suspended{pipe.reader};
    Block listed{pipe.reader};
    REQUIRE(aio_read(suspended) == 0);
    std::atomic<int> said{0};
    std::thread suspender{[&] {
        const aiocb* const list[] = {suspended};
        CHECK(aio_suspend(list, 1, nullptr) == 0);
    }};
    std::thread lister{[&] {
        aiocb* const list[] = {listed.as(LIO_READ)};
        said = lio_listio(LIO_WAIT, list, 1, nullptr) == -1 ? errno : 0;
    }};
    CHECK(eventually([&] { return listed.pending(); }));
    CHECK(aio_cancel(pipe.reader, nullptr) == AIO_CANCELED);
    suspender.join();
    lister.join();
    CHECK(said == EIO);
    CHECK(suspended.error() == ECANCELED);
    CHECK(listed.error() == ECANCELED);
}

/// A write waits for room in `writer`, which is full.
void check_cancelled_write(int writer, int reader) {
    REQUIRE(::fcntl(writer, F_SETFL, O_NONBLOCK) == 0);
    std::size_t before = 0;
    const std::string filling(4096, 'b');
    for (ssize_t part = 1; part > 0; before += part > 0 ? static_cast<std::size_t>(part) : 0U) {
        part = ::write(writer, filling.data(), filling.size());
    }
    REQUIRE(::fcntl(writer, F_SETFL, 0) == 0);
    Block write{writer, std::string_view{"w"}};
    REQUIRE(aio_write(write) == 0);
    const int said = aio_cancel(writer, write);
    if (on_glibc()) { // unless its thread has not begun
        CHECK((said == AIO_NOTCANCELED || said == AIO_CANCELED));
    } else {
        CHECK(said == AIO_CANCELED);
        CHECK(write.error() == ECANCELED);
    }
    std::string received(before, '\0');
    for (std::size_t length = 0; length < before;) {
        const ssize_t part = ::read(reader, received.data() + length, before - length);
        REQUIRE(part > 0);
        length += static_cast<std::size_t>(part);
    }
    CHECK(write.wait() == (said == AIO_CANCELED ? ECANCELED : 0));
    CHECK(readable_bytes(reader) == (said == AIO_CANCELED ? 0 : 1));
}

POSIX_CASE("a write of which nothing is written yet is really cancelled") {
    const Pipe pipe;
    check_cancelled_write(pipe.writer, pipe.reader);
    const Sockets sockets;
    check_cancelled_write(sockets.one, sockets.other);
}

POSIX_CASE("a write that has begun is not cancelled, and its block not touched") {
    const Pipe pipe;
    const std::string content(200'000, 'w');
    Block write{pipe.writer, content};
    REQUIRE(aio_write(write) == 0);
    REQUIRE(eventually([&] { return readable_bytes(pipe.reader) > 0; }));
    const aiocb before = *static_cast<aiocb*>(write);
    CHECK(aio_cancel(pipe.writer, write) == AIO_NOTCANCELED);
    CHECK(aio_cancel(pipe.writer, nullptr) == AIO_NOTCANCELED);
    CHECK(write.pending());
    CHECK(write->aio_fildes == before.aio_fildes);
    CHECK(write->aio_lio_opcode == before.aio_lio_opcode);
    CHECK(write->aio_reqprio == before.aio_reqprio);
    CHECK((write->aio_buf == before.aio_buf));
    CHECK(write->aio_nbytes == before.aio_nbytes);
    CHECK(write->aio_offset == before.aio_offset);
    CHECK(std::memcmp(&write->aio_sigevent, &before.aio_sigevent, sizeof(sigevent)) == 0);
    std::string received(content.size(), '\0');
    std::size_t length = 0;
    while (length < content.size()) {
        const ssize_t part = ::read(pipe.reader, &received[length], received.size() - length);
        REQUIRE(part > 0);
        length += static_cast<std::size_t>(part);
    }
    CHECK(write.await_result() == static_cast<ssize_t>(content.size()));
    CHECK(received == content);
}

POSIX_CASE("a transfer on the disk is not cancelled; what waits behind it is") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Descriptor file{::open(server->file("gate").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    server->close_gate();
    Block read{file, 4096};
    Block sync{file};
    REQUIRE(aio_read(read) == 0);
    server->await_waiting(1);
    REQUIRE(aio_fsync(O_SYNC, sync) == 0);
    CHECK(aio_cancel(file, read) == AIO_NOTCANCELED);
    CHECK(read.pending());
    CHECK(aio_cancel(file, nullptr) == AIO_NOTCANCELED);
    CHECK(read.pending());
    CHECK(sync.wait() == ECANCELED);
    server->open_gate();
    CHECK(read.await_result() == 4096);
}

POSIX_CASE("aio_cancel by descriptor cancels each of its requests, and no others") {
    const Pipe pipe;
    const Pipe other;
    std::vector<Block> blocks;
    for (int i = 0; i < 10; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(pipe.reader)) == 0);
    }
    Block elsewhere{other.reader};
    REQUIRE(aio_read(elsewhere) == 0);
    if (on_glibc()) { // but for the one that a thread has begun, if it has
        aio_cancel(pipe.reader, nullptr);
    } else {
        CHECK(aio_cancel(pipe.reader, nullptr) == AIO_CANCELED);
        CHECK(blocks[0].wait() == ECANCELED);
    }
    for (std::size_t i = 1; i < blocks.size(); ++i) {
        CHECK(blocks[i].error() == ECANCELED);
        CHECK(blocks[i].result() == -1);
    }
    CHECK(elsewhere.pending());
    other.fill("x");
    CHECK(elsewhere.await_result() == 1);
    pipe.fill("x"); // for glibc's
}

POSIX_CASE("aio_cancel by descriptor concerns the file that is open there, not earlier ones") {
    NOT_ON_GLIBC("it knows requests by their descriptor alone");
    Pipe first;
    const Pipe second;
    Block read{first.reader};
    REQUIRE(aio_read(read) == 0);
    const int descriptor = first.reader;
    REQUIRE(::dup3(second.reader, descriptor, O_CLOEXEC) == descriptor);
    CHECK(aio_cancel(descriptor, nullptr) == AIO_ALLDONE);
    CHECK(read.pending());
    first.fill("x");
    CHECK(read.await_result() == 1);
    CHECK(read.text() == "x");
}

POSIX_CASE("nothing to cancel, done, or never submitted: AIO_ALLDONE") {
    const TemporaryFile file{"content"};
    CHECK(aio_cancel(file, nullptr) == AIO_ALLDONE);
    aiocb zeros{};
    zeros.aio_fildes = file;
    CHECK(aio_cancel(file, &zeros) == AIO_ALLDONE);
    const Block garbage{file, 7};
    CHECK(aio_cancel(file, garbage) == AIO_ALLDONE);
    Block done{file, 7};
    REQUIRE(aio_read(done) == 0);
    CHECK(done.wait() == 0);
    CHECK(aio_cancel(file, done) == AIO_ALLDONE);
    CHECK(done.error() == 0);
    CHECK(aio_cancel(file, nullptr) == AIO_ALLDONE);
    CHECK(done.result() == 7);
    CHECK(aio_cancel(file, done) == AIO_ALLDONE);
}

} // namespace
} // namespace aioxx::test
