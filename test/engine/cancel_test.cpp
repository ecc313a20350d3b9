// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Cancelling in every state that an operation, or the engine's own poll on its behalf, can be in.

#include "descriptors.hpp"
#include "running_engine.hpp"

#include <array>

#include <poll.h>

namespace aioxx::test {
namespace {

using engine::Cancelled;
using engine::FileState;

/// Cancels `operation`, which is not in the kernel: it completes, once, and has moved nothing.
void check_cancelled(RunningEngine& engine, Transfer& operation, State state) {
    REQUIRE(operation.state == state);
    CHECK(engine->cancel(operation) == Cancelled::yes);
    CHECK(engine->take() == &operation);
    CHECK(operation.result == -ECANCELED);
    CHECK(engine->take() == nullptr);
    CHECK(engine->cancel(operation) == Cancelled::too_late);
}

/// Begins a read on an empty stream, and runs the engine until the read waits for its poll.
void begin_to_wait(RunningEngine& engine, Transfer& read, const File& file) {
    engine.start(read, Kind::read, file);
    engine->flush();
    REQUIRE(eventually([&] {
        engine->reap(); // without a flush: its poll stays where it is put
        return read.state == State::streaming;
    }));
}

FileState& state_of(RunningEngine& engine, const File& file) {
    return engine->state_of(file);
}

/// Whether nobody has the other end of this pipe open, soon.
bool is_let_go(int writer) {
    return eventually([writer] {
        pollfd polled{writer, POLLOUT, 0};
        return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLERR) != 0;
    });
}

TEST_CASE("what is in the batch is cancelled, and never submitted") {
    RunningEngine engine;
    const TemporaryFile content{"abc"};
    const Pipe pipe;
    const File file = File::borrow(content);
    const File reader = File::borrow(pipe.reader);
    const std::uint64_t calls = engine->statistics().submit_calls;
    for (const Kind kind : {Kind::read, Kind::write, Kind::fsync}) {
        Transfer one{"xyz"};
        engine.start(one, kind, file);
        check_cancelled(engine, one, State::batched);
    }
    for (const Kind kind : {Kind::read, Kind::poll}) {
        Transfer one;
        one.poll_events = POLLIN;
        engine.start(one, kind, reader);
        check_cancelled(engine, one, State::batched);
    }
    CHECK(engine->in_kernel() == 0);
    CHECK(engine->statistics().submit_calls == calls);
    CHECK(content.content() == "abc");
}

TEST_CASE("what waits for room, behind another, or for a helper is cancelled") {
    Engine::Options options;
    options.depth = 1;
    RunningEngine engine{options};
    const TemporaryFile content{"abc"};
    const File file = File::borrow(content);
    Transfer first{"x"};
    Transfer second{"y"};
    Transfer third{"z"};
    Transfer flush;
    first.flags = RwFlags::append;
    second.flags = RwFlags::append;
    flush.after_writes = true;
    engine.start(first, Kind::write, file);
    engine.start(second, Kind::write, file);
    engine.start(third, Kind::read, file);
    engine.start(flush, Kind::fsync, file);
    check_cancelled(engine, flush, State::ordered);
    check_cancelled(engine, third, State::backlog);
    check_cancelled(engine, second, State::ordered);
    Transfer after{"w"};
    engine.start(after, Kind::read, file);
    REQUIRE(first.state == State::unhanded);
    CHECK(engine->cancel(first) == Cancelled::yes);
    for (int i = 0; i < 2; ++i) {
        const engine::Operation& ended = engine.next();
        CHECK(ended.result == (&ended == &first ? -ECANCELED : 1)); // into the room it has made
    }
    CHECK(engine->in_kernel() == 0);
    CHECK(engine->backlog() == 0);
    CHECK(content.content() == "abc");
}

TEST_CASE("a read that waits for its stream is cancelled, and its poll goes: from the batch") {
    RunningEngine engine;
    const Pipe pipe;
    const File file = File::borrow(pipe.reader);
    Transfer read;
    begin_to_wait(engine, read, file);
    REQUIRE(state_of(engine, file).streams[0].readiness.state == State::batched);
    check_cancelled(engine, read, State::streaming);
    CHECK(state_of(engine, file).streams[0].readiness.state == State::idle);
    CHECK(engine->in_kernel() == 0);
    pipe.fill("abc");
    engine.begin(read, Kind::read, file);
    CHECK(engine.result_of(read) == 3);
}

TEST_CASE("from the kernel") {
    RunningEngine engine;
    const Pipe pipe;
    const File file = File::borrow(pipe.reader);
    Transfer read;
    begin_to_wait(engine, read, file);
    engine->flush();
    REQUIRE(state_of(engine, file).streams[0].readiness.state == State::kernel);
    check_cancelled(engine, read, State::streaming);
    CHECK(
        eventually([&] { return engine.completed_now() == nullptr && engine->in_kernel() == 0; }));
}

TEST_CASE("from the epoll descriptor") {
    RunningEngine engine;
    const Terminal terminal;
    const File file = File::borrow(terminal.slave);
    Transfer read;
    begin_to_wait(engine, read, file);
    engine->flush(); // POLL is refused
    REQUIRE(state_of(engine, file).streams[0].readiness.state == State::streaming);
    check_cancelled(engine, read, State::streaming);
    CHECK(state_of(engine, file).epoll_waiters.empty());
    CHECK(state_of(engine, file).streams[0].readiness.state == State::idle);
    CHECK(state_of(engine, file).parked == 0);
    REQUIRE(::write(terminal.master, "ab\n", 3) == 3);
    CHECK(engine.completed_now() == nullptr);
    engine.begin(read, Kind::read, file);
    CHECK(engine.result_of(read) == 3);
}

TEST_CASE("from a helper, where its file has been closed") {
    RunningEngine engine;
    Pipe pipe;
    File file = File::adopt(::fcntl(pipe.reader, F_DUPFD_CLOEXEC, 0));
    FileState& state = state_of(engine, file);
    Transfer read;
    read.exact = true; // goes on to wait when a part has come
    begin_to_wait(engine, read, file);
    engine->flush();
    file.close();
    pipe.reader.close();
    pipe.fill("abc");
    REQUIRE(eventually([&] {
        engine->reap();
        engine->flush();
        return read.done == 3 && read.state == State::streaming;
    }));
    REQUIRE(state.streams[0].readiness.state == State::helper);
    check_cancelled(engine, read, State::streaming);
    CHECK(
        eventually([&] { return engine.completed_now() == nullptr && engine->in_kernel() == 0; }));
    CHECK(is_let_go(pipe.writer));
}

TEST_CASE("from those that wait for room for polls") {
    Engine::Options options;
    options.depth = 1;
    RunningEngine engine{options};
    const Pipe idle;
    Pipe pipe;
    const File other = File::borrow(idle.reader);
    File file = File::adopt(::fcntl(pipe.reader, F_DUPFD_CLOEXEC, 0));
    std::array<Transfer, 40> polls; // more than there is room for
    for (Transfer& poll : polls) {
        poll.poll_events = POLLIN;
        engine.begin(poll, Kind::poll, other);
    }
    Transfer read;
    begin_to_wait(engine, read, file);
    file.close();
    pipe.reader.close();
    check_cancelled(engine, read, State::streaming);
    CHECK(is_let_go(pipe.writer));
    idle.fill("x");
    for (std::size_t i = 0; i < polls.size(); ++i) {
        CHECK(engine.next().result == POLLIN);
    }
    CHECK(
        eventually([&] { return engine.completed_now() == nullptr && engine->in_kernel() == 0; }));
}

TEST_CASE("and from those that wait for a helper") {
    Engine::Options options;
    options.numbers_expire = true;
    RunningEngine engine{options};
    const Pipe pipe;
    const File file = File::borrow(pipe.reader);
    Transfer read;
    FileState& state = state_of(engine, file);
    engine->name_file(state);
    engine.start(read, Kind::read, file);
    engine->flush_as_is();
    state.named = false; // as if the call had ended between the try and its answer
    REQUIRE(eventually([&] {
        engine->reap();
        return read.state == State::streaming;
    }));
    REQUIRE(state.streams[0].readiness.state == State::unhanded);
    CHECK(engine->cancel(read) == Cancelled::yes);
    CHECK(engine->take() == &read);
    CHECK(state.streams[0].readiness.state == State::idle);
    CHECK(engine->in_kernel() == 0);
}

} // namespace
} // namespace aioxx::test
