// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What the drop-in costs: threads and contexts.

#include "posix/block.hpp"
#include "posix/contexts.hpp"
#include "posix/own_process.hpp"

#include "blocked_in.hpp"
#include "devices/block_devices.hpp"
#include "devices/fuse_server.hpp"

#include <thread>

namespace aioxx::test {
namespace {

/// Before the first request. ThreadSanitizer makes one when the program makes its first.
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
    CHECK(read.await_result() == 7);
    CHECK(contexts() == 0); // the page cache wants none
    const TemporaryFile other{std::string(4096, 'x'), O_RDWR | O_DIRECT};
    Block direct{other, 4096};
    REQUIRE(aio_read(direct) == 0);
    CHECK(direct.await_result() == 4096);
    CHECK(contexts() == differs<std::size_t>(0, without_kernel_aio() ? 0 : 1));
}

POSIX_CASE("no thread while all requests are in the kernel and none asks for a notice") {
    SKIP_WITHOUT_KERNEL_AIO("none are in the kernel");
    auto device = attempt<LoopDevice>(1L << 20U);
    if (!device) {
        SKIP_CASE(device.reason());
    }
    auto gate = attempt<Gate>(device->path());
    if (!gate) {
        SKIP_CASE(gate.reason());
    }
    const Descriptor file{::open(device->path().c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    // the first requests on a file may take threads, until it is known
    for (int i = 0; i < 32; ++i) {
        Block read{file, 4096};
        REQUIRE(aio_read(read) == 0);
        CHECK(read.await_result() == 4096);
    }
    REQUIRE((on_glibc() || eventually([] { return added_threads() == 0; })));
    gate->close();
    std::vector<Block> blocks;
    for (int i = 0; i < 16; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(file, 4096, i * 4096)) == 0);
    }
    CHECK(added_threads() == differs<std::size_t>(1, 0));
    for (const Block& block : blocks) {
        CHECK(block.pending());
    }
    CHECK(added_threads() == differs<std::size_t>(1, 0));
    gate->open();
    for (const Block& block : blocks) {
        CHECK(block.await_result() == 4096);
    }
    CHECK(contexts() == differs<std::size_t>(0, 1));
}

POSIX_CASE("direct I/O on the disk takes no thread") {
    SKIP_WITHOUT_KERNEL_AIO("it takes workers");
    NOT_ON_GLIBC("there is one for each descriptor");
    const TemporaryFile file{std::string(32 * 4096, 'x'), O_RDWR | O_DIRECT};
    const Block first{file, 4096};
    REQUIRE(aio_read(first) == 0);
    CHECK(first.await_result() == 4096);
    REQUIRE(eventually([] { return added_threads() == 0; }));
    for (int round = 0; round < 50; ++round) {
        std::vector<Block> blocks;
        for (int i = 0; i < 16; ++i) {
            REQUIRE(aio_read(blocks.emplace_back(file, 4096, i * 4096)) == 0);
        }
        CHECK(added_threads() == 0);
        for (const Block& block : blocks) {
            CHECK(block.await_result() == 4096);
        }
    }
}

POSIX_CASE("the threads end when nothing is left to do") {
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
        CHECK(read.await_result() == 7);
        CHECK(sync.await_result() == 0);
        CHECK(signal.next());
    }
    CHECK(added_threads() >= 1);
    pipe.fill("x");
    CHECK(signal.next());
    CHECK(waiting.await_result() == 1);
    CHECK(eventually([] { return added_threads() == 0; }));
    CHECK(contexts() <= 1);
}

POSIX_CASE("aio_init bounds the threads") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioinit settings{};
    settings.aio_threads = 3; // of which a server has two at the most
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
    // three workers, and at most two threads beside them
    CHECK(added_threads() <= differs<std::size_t>(3, 5));
    server->open_gate();
    for (const Block& block : blocks) {
        CHECK(block.await_result() == 4096);
    }
    CHECK(eventually([] { return added_threads() == 0; }));
}

} // namespace
} // namespace aioxx::test
