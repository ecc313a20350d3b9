// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Cancelling in every state that an operation, or the engine's own poll on its behalf, can be in.

#include "descriptors.hpp"
#include "running_engine.hpp"

#include <array>

#include <poll.h>

namespace aioxx::test {
namespace {

using engine::OpenFile;

/// Cancels `operation`, which is not in the kernel: it completes, once, and has moved nothing.
void check_cancelled(RunningEngine& engine, Transfer& operation, State state) {
    REQUIRE(operation.state() == state);
    CHECK(engine->cancel(operation) == Cancellation::cancelled);
    CHECK(engine->take() == &operation);
    CHECK(operation.result == -ECANCELED);
    CHECK(engine->take() == nullptr);
    CHECK(engine->cancel(operation) == Cancellation::too_late);
}

/// Begins a read on an empty stream, which then waits by a poll.
void begin_to_wait(RunningEngine& engine, Transfer& read, const File& file) {
    engine.begin(read, Kind::read, file);
    REQUIRE(read.state() == State::watched);
}

File direct_file(const TemporaryFile& content) {
    return File::open(("/proc/self/fd/" + std::to_string(content)).c_str(), O_RDWR | O_DIRECT);
}

OpenFile& file_of(RunningEngine& engine, const File& file) {
    return engine.file_of(file);
}

/// Whether the other end of this pipe is closed, soon.
bool is_closed_for_reading(int writer) {
    return eventually([writer] {
        pollfd polled{writer, POLLOUT, 0};
        return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLERR) != 0;
    });
}

TEST_CASE("what is to be submitted, or called, is cancelled, and never made") {
    RunningEngine engine;
    const TemporaryFile content{std::string(4096, 'a')};
    const Pipe pipe;
    const File file = File::borrow(content);
    const File direct = direct_file(content);
    const File reader = File::borrow(pipe.reader);
    const std::uint64_t calls = engine->statistics().submit_calls;
    for (const Kind kind : {Kind::read, Kind::write, Kind::fsync}) {
        Transfer one{"xyz"};
        engine.start(one, kind, file);
        check_cancelled(engine, one, kind == Kind::fsync ? State::to_run : State::to_call);
        Transfer two;
        engine.start(two, kind, direct);
        check_cancelled(engine, two, kind == Kind::fsync ? State::to_run : State::to_submit);
    }
    for (const Kind kind : {Kind::read, Kind::poll}) {
        Transfer one;
        one.request.bits = POLLIN;
        engine.start(one, kind, reader);
        check_cancelled(engine, one, kind == Kind::poll ? State::to_watch : State::to_call);
    }
    CHECK(engine->in_kernel() == 0);
    CHECK(engine->statistics().submit_calls == calls);
    CHECK(content.content() == std::string(4096, 'a'));
}

TEST_CASE("what waits for a slot, behind another, or for a worker is cancelled") {
    Engine::Options options;
    options.depth = 1;
    RunningEngine engine{options};
    const TemporaryFile content{std::string(4096, 'a')};
    const File file = direct_file(content);
    Transfer first;
    Transfer second;
    Transfer third;
    Transfer fourth;
    Transfer flush;
    first.request.flags = RwFlags::append;
    second.request.flags = RwFlags::append | RwFlags::dsync; // not in turn
    flush.request.after_writes = true;
    engine.start(first, Kind::write, file);
    engine.start(second, Kind::write, file);
    engine.start(third, Kind::read, file);
    engine.start(fourth, Kind::read, file);
    engine.start(flush, Kind::fsync, file);
    check_cancelled(engine, flush, State::ordered);
    check_cancelled(engine, fourth, State::backlog);
    check_cancelled(engine, second, State::ordered);
    check_cancelled(engine, first, State::to_run);
    Transfer after;
    engine.start(after, Kind::read, file);
    REQUIRE(after.state() == State::backlog);
    check_cancelled(engine, third, State::to_submit);
    CHECK(engine.result_of(after) == 4096); // in the slot that has become free
    CHECK(engine->in_kernel() == 0);
    CHECK(engine->backlog() == 0);
    CHECK(content.content() == std::string(4096, 'a'));
}

TEST_CASE("a read that is to wait for its stream is cancelled") {
    RunningEngine engine;
    const Pipe pipe;
    const File file = File::borrow(pipe.reader);
    Transfer read;
    file_of(engine, file).policy(read).refuse_nowait(); // so that it waits first
    engine.start(read, Kind::read, file);
    check_cancelled(engine, read, State::to_watch);
    CHECK(file_of(engine, file).polls[0].state() == State::idle);
    CHECK(engine->in_kernel() == 0);
    pipe.fill("abc");
    engine.begin(read, Kind::read, file);
    CHECK(engine.result_of(read) == 3);
}

TEST_CASE("one that waits is cancelled, and its poll goes: from the kernel") {
    RunningEngine engine;
    const Pipe pipe;
    const File file = File::borrow(pipe.reader);
    Transfer read;
    begin_to_wait(engine, read, file);
    REQUIRE(file_of(engine, file).polls[0].state() == State::kernel);
    check_cancelled(engine, read, State::watched);
    CHECK(
        eventually([&] { return engine.completed_now() == nullptr && engine->in_kernel() == 0; }));
}

TEST_CASE("from the epoll descriptor") {
    RunningEngine engine;
    const Terminal terminal;
    const File file = File::borrow(terminal.slave);
    Transfer read;
    engine.begin(read, Kind::read, file); // which waits first: a terminal knows no NOWAIT
    REQUIRE(eventually([&] {
        return engine.completed_now() == nullptr && read.state() == State::watched;
    })); // POLL is refused
    REQUIRE(file_of(engine, file).polls[0].state() == State::watched);
    check_cancelled(engine, read, State::watched);
    CHECK(file_of(engine, file).epoll_waiters.empty());
    CHECK(file_of(engine, file).polls[0].state() == State::idle);
    REQUIRE(::write(terminal.master, "ab\n", 3) == 3);
    CHECK(engine.completed_now() == nullptr);
    engine.begin(read, Kind::read, file);
    CHECK(engine.result_of(read) == 3);
}

TEST_CASE("from the kernel, where its file has been closed, which then goes") {
    RunningEngine engine;
    Pipe pipe;
    File file = File::adopt(::fcntl(pipe.reader, F_DUPFD_CLOEXEC, 0));
    Transfer read;
    read.request.exact = true; // goes on to wait when a part has come
    begin_to_wait(engine, read, file);
    file.close();
    pipe.reader.close();
    pipe.fill("abc");
    REQUIRE(eventually([&] {
        engine.reap();
        engine->flush();
        return read.done == 3 && read.state() == State::watched;
    }));
    check_cancelled(engine, read, State::watched);
    CHECK(
        eventually([&] { return engine.completed_now() == nullptr && engine->in_kernel() == 0; }));
    CHECK(is_closed_for_reading(pipe.writer));
}

TEST_CASE("from those that wait for a slot for polls") {
    Engine::Options options;
    options.depth = 1;
    RunningEngine engine{options};
    const Pipe idle;
    Pipe pipe;
    const File other = File::borrow(idle.reader);
    File file = File::adopt(::fcntl(pipe.reader, F_DUPFD_CLOEXEC, 0));
    std::array<Transfer, 40> polls; // more than there is room for
    for (Transfer& poll : polls) {
        poll.request.bits = POLLIN;
        engine.begin(poll, Kind::poll, other);
    }
    Transfer read;
    begin_to_wait(engine, read, file);
    file.close();
    pipe.reader.close();
    check_cancelled(engine, read, State::watched);
    CHECK(is_closed_for_reading(pipe.writer));
    idle.fill("x");
    for (std::size_t i = 0; i < polls.size(); ++i) {
        CHECK(engine.next().result == POLLIN);
    }
    CHECK(
        eventually([&] { return engine.completed_now() == nullptr && engine->in_kernel() == 0; }));
}

TEST_CASE("and from those that wait for a worker, as the number of its file has expired") {
    RunningEngine engine;
    const Pipe pipe;
    const File file = File::borrow(pipe.reader);
    Transfer read;
    OpenFile& known = file_of(engine, file);
    known.policy(read).refuse_nowait();
    engine.start(read, Kind::read, file);
    engine->expire(known);
    engine->flush_without_threads();
    REQUIRE(read.state() == State::watched);
    REQUIRE(known.polls[0].state() == State::to_run);
    CHECK(engine->cancel(read) == Cancellation::cancelled);
    CHECK(engine->take() == &read);
    CHECK(known.polls[0].state() == State::idle);
    CHECK(engine->in_kernel() == 0);
}

} // namespace
} // namespace aioxx::test
