// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What it costs to have it: threads and contexts.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "blocked_in.hpp"
#include "devices/fuse_server.hpp"

#include <thread>

namespace aioxx::test {
namespace {

/// How many contexts of kernel AIO this process has: each is a mapping.
std::size_t contexts() {
    std::ifstream maps{"/proc/self/maps"};
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) {
        count += line.find("/[aio]") != std::string::npos;
    }
    return count;
}

/// At first. ThreadSanitizer adds one of its own when the program makes its first.
const std::size_t threads_at_first = [] {
    pid_t tid = 0;
    std::thread{[&tid] { tid = thread_id(); }}.join();
    eventually([tid] {
        const std::vector<pid_t> now = threads_now();
        return std::find(now.begin(), now.end(), tid) == now.end();
    });
    return threads_now().size();
}();

std::size_t added_threads() {
    return threads_now().size() - threads_at_first;
}

POSIX_CASE("before the first request there is no thread and no context") {
    const TemporaryFile file{"content"};
    aiocb zeros{};
    zeros.aio_fildes = file;
    const aioinit settings{.aio_threads = 4,
                           .aio_num = 64,
                           .aio_locks = 0,
                           .aio_usedba = 0,
                           .aio_debug = 0,
                           .aio_numusers = 0,
                           .aio_idle_time = 1,
                           .aio_reserved = 0};
    aio_init(&settings);
    static_cast<void>(aio_error(&zeros));
    static_cast<void>(aio_cancel(file, nullptr));
    CHECK(added_threads() == 0);
    CHECK(contexts() == 0);
    Block read{file, 7};
    REQUIRE(aio_read(read) == 0);
    CHECK(read.outcome() == 7);
    CHECK(contexts() == differs<std::size_t>(0, 1));
}

POSIX_CASE("no thread while all is in the kernel and nobody asked to be told") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Descriptor file{::open(server->file("gate").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    // what is found out about a file at first may take threads
    for (int i = 0; i < 32; ++i) {
        Block read{file, 4096};
        REQUIRE(aio_read(read) == 0);
        CHECK(read.outcome() == 4096);
    }
    REQUIRE((on_glibc() || eventually([] { return added_threads() == 0; })));
    server->close_gate();
    std::vector<Block> blocks;
    for (int i = 0; i < 16; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(file, 4096, i * 4096)) == 0);
    }
    server->await_waiting(differs(1U, 16U));
    CHECK(added_threads() == differs<std::size_t>(1, 0));
    for (const Block& block : blocks) {
        CHECK(block.pending());
    }
    CHECK(added_threads() == differs<std::size_t>(1, 0));
    server->open_gate();
    for (const Block& block : blocks) {
        CHECK(block.outcome() == 4096);
    }
    CHECK(contexts() == differs<std::size_t>(0, 1));
}

POSIX_CASE("direct I/O on the disk takes no thread") {
    NOT_ON_GLIBC("there is one for each descriptor");
    const TemporaryFile file{std::string(32 * 4096, 'x'), O_RDWR | O_DIRECT};
    const Block first{file, 4096};
    REQUIRE(aio_read(first) == 0);
    CHECK(first.outcome() == 4096);
    REQUIRE(eventually([] { return added_threads() == 0; }));
    for (int round = 0; round < 50; ++round) {
        std::vector<Block> blocks;
        for (int i = 0; i < 16; ++i) {
            REQUIRE(aio_read(blocks.emplace_back(file, 4096, i * 4096)) == 0);
        }
        CHECK(added_threads() == 0);
        for (const Block& block : blocks) {
            CHECK(block.outcome() == 4096);
        }
    }
}

POSIX_CASE("the threads go when nothing is left to do") {
    const TemporaryFile file{"content"};
    const Pipe pipe;
    const BlockedSignal signal{SIGRTMIN};
    Block waiting{pipe.reader};
    REQUIRE(aio_read(waiting.signals(signal)) == 0);
    for (int i = 0; i < 20; ++i) {
        Block sync{file};
        Block read{file, 7};
        REQUIRE(aio_fsync(O_SYNC, sync) == 0);
        REQUIRE(aio_read(read.signals(signal)) == 0);
        CHECK(read.outcome() == 7);
        CHECK(sync.outcome() == 0);
        CHECK(signal.next());
    }
    CHECK(added_threads() >= 1);
    pipe.fill("x");
    CHECK(signal.next());
    CHECK(waiting.outcome() == 1);
    CHECK(eventually([] { return added_threads() == 0; }));
    CHECK(contexts() <= 1);
}

POSIX_CASE("aio_init bounds the threads") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioinit settings{};
    settings.aio_threads = 2;
    settings.aio_num = 64;
    settings.aio_idle_time = 1;
    aio_init(&settings);
    server->close_gate();
    std::vector<Descriptor> files;
    std::vector<Block> blocks;
    for (int i = 0; i < 12; ++i) { // buffered, and not in the cache: each takes a thread
        const std::string name = "gate." + std::to_string(i);
        files.emplace_back(::open(server->file(name).c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(aio_read(blocks.emplace_back(files.back(), 4096, 0)) == 0);
    }
    server->await_waiting(2);
    CHECK(added_threads() >= 2);
    // two that make the calls, and two at the most that see to the rest
    CHECK(added_threads() <= differs<std::size_t>(2, 4));
    server->open_gate();
    for (const Block& block : blocks) {
        CHECK(block.outcome() == 4096);
    }
    CHECK(eventually([] { return added_threads() == 0; }));
}

} // namespace
} // namespace aioxx::test
