// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What io_submit refuses, and what is learnt of the file by that.

#include "descriptors.hpp"
#include "running_engine.hpp"

#include <cstdint>
#include <limits>
#include <vector>

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>

namespace aioxx::test {
namespace {

constexpr std::int64_t last_offset = std::numeric_limits<std::int64_t>::max();
constexpr RwFlags unheard_of{1U << 30U};

void begin_vectored(RunningEngine& engine, Transfer& transfer, Kind kind, const File& file,
                    std::span<iovec> parts, std::int64_t offset = 0) {
    transfer.request.kind = kind;
    transfer.file = &engine.file_of(file);
    transfer.request.data = parts.data();
    transfer.request.length = parts.size();
    transfer.request.offset = offset;
    engine->start(transfer);
    engine->flush();
}

/// Makes each mistake that io_submit answers by EINVAL.
void make_mistakes(RunningEngine& engine, const File& file, Kind kind) {
    const Kind vectored = kind == Kind::read ? Kind::readv : Kind::writev;
    Transfer transfer{"abc"};
    for (const std::int64_t offset : {last_offset, last_offset - 2, std::int64_t{-1}}) {
        engine.begin(transfer, kind, file, offset);
        CHECK(engine.result_of(transfer) == -EINVAL);
    }
    if constexpr (sizeof(std::size_t) == 8) { // to a 64-bit kernel 4 GiB are not too much
        transfer.length_wanted = std::numeric_limits<std::size_t>::max();
        engine.begin(transfer, kind, file);
        CHECK(engine.result_of(transfer) == -EINVAL);
    }

    std::vector<iovec> parts(1025, iovec{transfer.bytes.data(), 1});
    begin_vectored(engine, transfer, vectored, file, parts);
    CHECK(engine.result_of(transfer) == -EINVAL);
    parts.resize(2);
    parts[1].iov_len = std::numeric_limits<std::size_t>::max();
    begin_vectored(engine, transfer, vectored, file, parts);
    CHECK(engine.result_of(transfer) == -EINVAL);
    parts[1].iov_len = 2;
    begin_vectored(engine, transfer, vectored, file, parts, last_offset - 1);
    CHECK(engine.result_of(transfer) == -EINVAL);
}

TEST_CASE("a mistake in an operation fails that one, and no other") {
    RunningEngine engine;
    for (const int flags : {O_RDWR, O_RDWR | O_DIRECT}) {
        const TemporaryFile content{std::string(4096, 'x')};
        const File file = File::open(("/proc/self/fd/" + std::to_string(content)).c_str(), flags);
        for (const Kind kind : {Kind::read, Kind::write}) {
            make_mistakes(engine, file, kind);
            Transfer transfer;
            engine.begin(transfer, kind, file);
            CHECK(engine.result_of(transfer) == 4096);
        }
    }
}

TEST_CASE("a mistake in what a worker makes fails that one, and no other") {
    RunningEngine engine;
    const TemporaryFile content;
    const File file = File::borrow(content);
    Transfer write{"abc"};
    write.request.flags = RwFlags::append;
    engine.begin(write, Kind::write, file, last_offset);
    CHECK(engine.result_of(write) == -EINVAL);
    CHECK(engine->statistics().offloaded == 1);
    write.request.flags = RwFlags::none;
    engine.begin(write, Kind::write, file);
    CHECK(engine.result_of(write) == 3);
    CHECK(content.content() == "abc");
}

TEST_CASE("flags that a file refuses are refused each time, and nothing is learnt by that") {
    RunningEngine engine;
    const TemporaryFile content{"abc"};
    const File file = File::borrow(content);
    for (int round = 0; round < 2; ++round) {
        for (const Kind kind : {Kind::read, Kind::write}) {
            Transfer transfer{"abc"};
            transfer.request.flags = unheard_of;
            engine.begin(transfer, kind, file);
            CHECK(engine.result_of(transfer) == -EOPNOTSUPP);
        }
    }
    Transfer read;
    engine.begin(read, Kind::read, file);
    CHECK(engine.result_of(read) == 3);
    CHECK(read.way == engine::Way::call_nowait);
}

TEST_CASE("a file that knows no AIO refuses the flags it cannot honour, before and afterwards") {
    RunningEngine engine;
    const File file = File::open("/proc/self/oom_score_adj", O_RDWR);
    Transfer read;
    engine.begin(read, Kind::read, file);
    REQUIRE(engine.result_of(read) > 0);
    for (int round = 0; round < 2; ++round) {
        Transfer write{read.text()}; // what it is already
        write.request.flags = RwFlags::dsync;
        engine.begin(write, Kind::write, file);
        CHECK(engine.result_of(write) == -EOPNOTSUPP);
        write.request.flags = unheard_of;
        engine.begin(write, Kind::write, file);
        CHECK(engine.result_of(write) == -EOPNOTSUPP);
        write.request.flags = RwFlags::nowait;
        engine.begin(write, Kind::write, file);
        CHECK(engine.result_of(write) == -EOPNOTSUPP);
        write.request.flags = RwFlags::none;
        engine.begin(write, Kind::write, file);
        CHECK(engine.result_of(write) == read.result);
        make_mistakes(engine, file, Kind::write);
    }
}

TEST_CASE("a stream that knows no AIO refuses the flags it cannot honour") {
    RunningEngine engine;
    const File file = File::adopt(::inotify_init1(IN_CLOEXEC));
    const ScratchDirectory directory;
    REQUIRE(::inotify_add_watch(file.fd(), directory.path().c_str(), IN_CREATE) >= 0);
    const Descriptor made{::open(directory.path("file").c_str(), O_CREAT | O_CLOEXEC, 0600)};
    Transfer read;
    for (int round = 0; round < 2; ++round) {
        read.request.flags = RwFlags::dsync;
        engine.begin(read, Kind::read, file);
        CHECK(engine.result_of(read) == -EOPNOTSUPP);
        read.request.flags = RwFlags::none;
        if (round == 0) {
            engine.begin(read, Kind::read, file);
            CHECK(engine.result_of(read) >= static_cast<std::int64_t>(sizeof(inotify_event)));
            REQUIRE(::unlink(directory.path("file").c_str()) == 0);
            const Descriptor again{
                ::open(directory.path("file").c_str(), O_CREAT | O_CLOEXEC, 0600)};
        }
    }
}

TEST_CASE("what has no read or no write at all says so at once, and waits for nothing") {
    RunningEngine engine;
    for (const int flags : {0, O_NONBLOCK}) {
        const File timer = File::adopt(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | flags));
        const File epoll = File::adopt(::epoll_create1(EPOLL_CLOEXEC));
        const File notices = File::adopt(::inotify_init1(IN_CLOEXEC | flags));
        for (int round = 0; round < 2; ++round) {
            Transfer transfer{"abc"};
            engine.begin(transfer, Kind::read, epoll);
            CHECK(engine.completed_now() == &transfer);
            CHECK(transfer.result == -EINVAL);
            engine.begin(transfer, Kind::write, timer);
            CHECK(engine.completed_now() == &transfer);
            CHECK(transfer.result == -EINVAL);
            engine.begin(transfer, Kind::write, notices);
            CHECK(engine.completed_now() == &transfer);
            CHECK(transfer.result == -EBADF); // it is open for reading
        }
    }
    CHECK(engine->statistics().polled == 0);
}

} // namespace
} // namespace aioxx::test
