// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Files that are closed, and numbers that are used again, while operations wait in the engine.

#include "child.hpp"
#include "descriptors.hpp"
#include "page_cache.hpp"
#include "record_lock.hpp"
#include "running_engine.hpp"

#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>

namespace aioxx::test {
namespace {

File borrowed_copy(int fd) {
    return File::adopt(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

TEST_CASE("the number of a closed file is taken until the last operation that waits has ended") {
    Engine::Options options;
    options.depth = 4;
    RunningEngine engine{options};
    const TemporaryFile right;
    const TemporaryFile wrong;
    std::array<Transfer, 64> writes;
    File file = borrowed_copy(right);
    const int number = file.fd();
    for (std::size_t i = 0; i < writes.size(); ++i) {
        writes[i].hold("abcdefgh");
        engine.start(writes[i], Kind::write, file, static_cast<std::int64_t>(8 * i));
    }
    file.close();
    const File other = borrowed_copy(wrong);
    CHECK(other.fd() != number);
    for (std::size_t i = 0; i < writes.size(); ++i) {
        CHECK(engine.next().result == 8);
    }
    CHECK(right.content().size() == writes.size() * 8);
    CHECK(wrong.content().empty());
    CHECK(engine.completed_now() == nullptr);
    CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("a read that NOWAIT has refused is done although its file is closed meanwhile") {
    RunningEngine engine;
    const TemporaryFile content{"abc"};
    REQUIRE(forget_cached(content));
    File file = borrowed_copy(content);
    Transfer read;
    engine.begin(read, Kind::read, file); // refused inside the submit, and not looked at
    file.close();
    CHECK(engine.result_of(read) == 3);
    CHECK(read.text() == "abc");
}

TEST_CASE("a read that waits on a stream gets what comes after its file is closed") {
    RunningEngine engine;
    Pipe pipe;
    File file = borrowed_copy(pipe.reader);
    Transfer read;
    engine.begin(read, Kind::read, file);
    CHECK(engine.completed_now() == nullptr);
    file.close();
    pipe.reader.close();
    pipe.fill("abc");
    CHECK(engine.result_of(read) == 3);
}

TEST_CASE("what waited on a stream is cancelled, and the file closed, before the kernel knows") {
    RunningEngine engine;
    for (int round = 0; round < 50; ++round) {
        Pipe pipe;
        File file = borrowed_copy(pipe.reader);
        Transfer read;
        engine.begin(read, Kind::read, file);
        while (engine->statistics().polled <= static_cast<unsigned>(round)) {
            CHECK(engine.completed_now() == nullptr);
        }
        CHECK(engine->cancel(read) == Cancellation::cancelled);
        CHECK(engine.result_of(read) == -ECANCELED);
        file.close(); // the engine's own poll may still be with the kernel
        CHECK(engine.completed_now() == nullptr);
    }
    CHECK(eventually([&] {
        CHECK(engine.completed_now() == nullptr);
        return engine->in_kernel() == 0;
    }));
}

TEST_CASE("a stream's reader is not kept open by a wait that was cancelled") {
    RunningEngine engine;
    Pipe pipe;
    {
        File file = borrowed_copy(pipe.writer);
        pipe.writer.close();
        std::string much(1 << 16, 'x');
        REQUIRE(::write(file.fd(), much.data(), much.size()) > 0);
        Transfer write{"abc"};
        engine.begin(write, Kind::write, file);
        CHECK(engine.completed_now() == nullptr);
        CHECK(engine->cancel(write) == Cancellation::cancelled);
        CHECK(engine.result_of(write) == -ECANCELED);
    }
    CHECK(
        eventually([&] { return engine.completed_now() == nullptr && engine->in_kernel() == 0; }));
    std::string text(1 << 17, 0);
    CHECK(::read(pipe.reader, text.data(), text.size()) == 1 << 16);
    CHECK(::read(pipe.reader, text.data(), text.size()) == 0);
}

TEST_CASE("a socket is not kept open by the wait of two reads that were cancelled") {
    RunningEngine engine;
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const Descriptor peer{ends[1]};
    {
        File file = File::adopt(ends[0]);
        std::array<Transfer, 2> reads;
        engine.begin(reads[0], Kind::read, file);
        REQUIRE(eventually([&] {
            return engine.completed_now() == nullptr && reads[0].state() == State::watched;
        }));
        engine.begin(reads[1], Kind::read, file);
        CHECK(engine->cancel(reads[0]) == Cancellation::cancelled);
        // It is tried first, where sockets know NOWAIT, and may wait by the same poll.
        const bool waits = engine.file_of(file).policy(reads[1]).refuses_nowait();
        CHECK(reads[1].state() == (waits ? State::to_watch : State::to_call));
        CHECK(engine->cancel(reads[1]) == Cancellation::cancelled);
        CHECK(engine->take() == &reads[0]);
        CHECK(engine->take() == &reads[1]);
    }
    char byte = 0;
    CHECK(eventually([&] {
        CHECK(engine.completed_now() == nullptr);
        return ::recv(peer, &byte, 1, MSG_DONTWAIT) == 0; // the end
    }));
    CHECK(engine->files() == 0);
}

TEST_CASE("record locks hold, and the lowest free number is the same, over workers' calls") {
    RunningEngine engine;
    const TemporaryFile content{"abc"};
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    REQUIRE(::fcntl(content, F_SETLK, &lock) == 0);
    const File file = File::borrow(content);
    const int lowest = lowest_free_descriptor();
    for (int round = 0; round < 8; ++round) {
        Transfer write{"abcdefgh"};
        write.request.flags = RwFlags::append;
        engine.begin(write, Kind::write, file);
        CHECK(lowest_free_descriptor() == lowest);
        CHECK(engine.result_of(write) == 8);
    }
    CHECK(engine->statistics().offloaded >= 8);
    CHECK(lowest_free_descriptor() == lowest);
    CHECK(is_locked(content));
}

TEST_CASE("many files seen one after the other leave nothing behind") {
    RunningEngine engine;
    const TemporaryFile content{"abc"};
    const int lowest = lowest_free_descriptor();
    for (int round = 0; round < 1000; ++round) {
        File file = borrowed_copy(content);
        Transfer read;
        engine.begin(read, Kind::read, file);
        CHECK(engine.result_of(read) == 3);
    }
    CHECK(lowest_free_descriptor() == lowest);
}

TEST_CASE("a hundred operations that go to workers need no descriptor each") {
    const ChildEnd end = run_in_child([] {
        const TemporaryFile content{"abc"};
        const rlimit few{32, 32};
        ::setrlimit(RLIMIT_NOFILE, &few);
        RunningEngine engine;
        const File file = File::borrow(content);
        std::array<Transfer, 100> writes;
        for (Transfer& write : writes) {
            write.hold("abcdefgh");
            write.request.flags = RwFlags::append;
            engine.start(write, Kind::write, file);
        }
        for (std::size_t i = 0; i < writes.size(); ++i) {
            if (engine.next().result != 8) {
                return 1;
            }
        }
        return content.content().size() == 3 + 800 ? 0 : 2;
    });
    CHECK(end.status == 0);
}

} // namespace
} // namespace aioxx::test
