// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// When workers' threads begin and end.

#include "blocked_in.hpp"
#include "child.hpp"
#include "descriptors.hpp"
#include "engine/pool_loop.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::WorkerTable;

constexpr std::chrono::milliseconds soon{1};

/// Stops a pool by a thread of its own, which waits for the call that a worker is in.
class Stopper {
public:
    explicit Stopper(engine::WorkerPool& pool)
        : thread_([this, &pool] {
              tid_ = thread_id();
              pool.stop();
          }) {
        REQUIRE(eventually([this] { return tid_ != 0; }));
        REQUIRE(wait_until_blocked_in(tid_, SYS_futex));
    }
    void join() { thread_.join(); }

private:
    std::atomic<pid_t> tid_{0};
    std::thread thread_;
};

TEST_CASE("stopping waits for the call that a worker is in, and ends every thread") {
    const std::size_t threads = count_threads_at_rest();
    PoolLoop loop;
    PipeFile slow;
    WorkerOperation operation;
    loop.add(operation, Kind::read, slow.file);
    REQUIRE(workers_wait(1));
    Stopper stopper{loop.pool};
    slow.pipe.fill("x");
    stopper.join();
    CHECK(loop.result_of(operation) == 1);
    CHECK(eventually([&] { return count_threads() == threads; }));
    CHECK_FALSE(loop.pool.running());
}

TEST_CASE("what was not begun when the pool is stopped is taken back, or made after a new start") {
    PoolLoop loop{{.limit = 1}};
    PipeFile slow;
    std::array<ByteRead, 3> reads;
    for (ByteRead& read : reads) {
        loop.add(read, Kind::read, slow.file);
    }
    REQUIRE(workers_wait(1));
    Signal task;
    CHECK(loop.pool.add(task));
    Stopper stopper{loop.pool};
    slow.pipe.fill("xy");
    stopper.join();
    CHECK(loop.result_of(reads[0]) == 1);
    CHECK(loop.pool.take_back(reads[1]));
    loop.start();
    CHECK(loop.result_of(reads[2]) == 1);
    std::error_code none;
    CHECK(task.done.read(none) == 0); // dropped
    CHECK(loop.pool.add(task));
    CHECK(task.has_run());
}

/// The shared table, in use or not as the test says.
class TableInUse final : public WorkerTable {
public:
    [[nodiscard]] bool is_in_use() const noexcept override { return in_use; }
    std::atomic<bool> in_use{true};
};

TEST_CASE("idle workers end, the last one when the table is not in use; all come again") {
    const std::size_t threads = count_threads_at_rest();
    TableInUse table;
    PoolLoop loop{{.idle = soon}, table};
    AbcFile abc;
    for (int round = 0; round < 20; ++round) {
        table.in_use = true;
        WorkerOperation operation;
        loop.add(operation, Kind::read, abc.file);
        CHECK(loop.result_of(operation) == 3);
        CHECK(eventually([&] { return count_threads() == threads + 1; })); // the last one
        CHECK(loop.pool.running());
        table.in_use = false;
        CHECK(eventually([&] { return !loop.pool.running(); }));
    }
    loop.pool.stop();
    CHECK(eventually([&] { return count_threads() == threads; }));
}

TEST_CASE("a worker that is idle while another is in a call stays, and others come by it") {
    TableInUse table;
    table.in_use = false;
    PoolLoop loop{{.limit = 3, .idle = soon}, table};
    std::array<PipeFile, 3> files;
    std::array<WorkerOperation, 3> reads;
    loop.add(reads[0], Kind::read, files[0].file);
    REQUIRE(workers_wait(1));
    const auto idled = std::chrono::steady_clock::now() + 20 * soon;
    CHECK(eventually([&] { return std::chrono::steady_clock::now() > idled; }));
    for (const std::size_t i : {1U, 2U}) {
        loop.add(reads[i], Kind::read, files[i].file);
        CHECK(workers_wait(i + 1));
    }
    for (std::size_t i = 0; i < reads.size(); ++i) {
        files[i].pipe.fill("x");
        CHECK(loop.result_of(reads[i]) == 1);
    }
}

TEST_CASE("no thread is left when the workers are idle while the program sleeps") {
    const std::size_t threads = count_threads_at_rest();
    PoolLoop loop{{.idle = soon}};
    AbcFile abc;
    for (int round = 0; round < 3; ++round) {
        WorkerOperation operation;
        loop.add(operation, Kind::read, abc.file);
        CHECK(loop.result_of(operation) == 3);
        // Ended, and not only joined by the next start.
        CHECK(eventually([&] { return count_threads() == threads; }));
    }
}

TEST_CASE("without any idle time nothing that was added is lost") {
    PoolLoop loop{{.idle = std::chrono::nanoseconds{0}}};
    AbcFile abc;
    for (int round = 0; round < 500; ++round) {
        WorkerOperation operation;
        loop.add(operation, Kind::read, abc.file);
        REQUIRE(loop.result_of(operation) == 3);
        if (round % 50 == 0) {
            CHECK(eventually([&] { return !loop.pool.running(); }));
        }
    }
}

TEST_CASE("workers block every signal but the C library's own") {
    PoolLoop loop;
    PipeFile slow;
    WorkerOperation operation;
    loop.add(operation, Kind::read, slow.file);
    REQUIRE(workers_wait(1));
    // All 64 but SIGKILL, SIGSTOP, 32 and 33: no mask can hold the first two.
    constexpr std::uint64_t never = 1U << (SIGKILL - 1) | 1U << (SIGSTOP - 1);
    constexpr std::uint64_t library = std::uint64_t{3} << 31;
    std::vector<std::uint64_t> masks;
    CHECK(eventually([&] { // a thread that begins or ends blocks those of the library as well
        masks = masks_of_others();
        return std::ranges::none_of(masks, [](std::uint64_t one) { return (one & library) != 0; });
    }));
    CHECK(masks.size() >= 2);
    for (const std::uint64_t blocked : masks) {
        CHECK((blocked | never | library) == ~std::uint64_t{0});
    }
    slow.pipe.fill("x");
    CHECK(loop.result_of(operation) == 1);
}

TEST_CASE("a forked child destroys its copy of a pool whose threads it does not have") {
    PoolLoop loop;
    AbcFile abc;
    WorkerOperation operation;
    loop.add(operation, Kind::read, abc.file);
    CHECK(loop.result_of(operation) == 3);
    const ChildEnd end = run_in_child([&] {
        loop.pool.forget_threads();
        loop.pool.~WorkerPool();
        return 0;
    });
    CHECK(end.status == 0);
    loop.add(operation, Kind::read, abc.file); // the parent's goes on
    CHECK(loop.result_of(operation) == 3);
}

} // namespace
} // namespace aioxx::test
