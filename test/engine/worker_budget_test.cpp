// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// How many threads all pools of a process have.

#include "child.hpp"
#include "descriptors.hpp"
#include "engine/pool_loop.hpp"
#include "skip.hpp"

#include <array>
#include <deque>

#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::worker_budget;

/// A pool whose workers block in reads of a pipe.
struct BlockingPool {
    void add_reads(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            WorkerOperation& read = reads.emplace_back();
            read.length = 1;
            loop.add(read, Kind::read, file);
        }
    }
    /// Lets all of them end.
    void finish() {
        pipe.fill(std::string(reads.size(), 'x'));
        for (std::size_t i = 0; i < reads.size(); ++i) {
            CHECK(loop.next().result == 1);
        }
    }

    Pipe pipe;
    PlainFile file{pipe.reader};
    std::deque<WorkerOperation> reads;
    PoolLoop loop;
};

/// So many threads there are beside, and all of them are in a read.
bool are_blocked(std::size_t others, std::size_t threads_at_rest) {
    return eventually([&] {
        return count_threads() == threads_at_rest + others &&
               count_blocked_in(SYS_preadv2) == others;
    });
}

TEST_CASE("a process has no more workers beside the first of each pool than its limit allows") {
    const std::size_t at_rest = count_threads_at_rest();
    CHECK(worker_limit() == 64);
    const WorkerLimit limit{3};
    CHECK(worker_limit() == 3);
    std::array<BlockingPool, 4> pools;
    for (BlockingPool& pool : pools) {
        pool.add_reads(5);
    }
    CHECK(are_blocked(pools.size() + 3, at_rest));
    CHECK(worker_budget.used() == 3);
    for (BlockingPool& pool : pools) {
        pool.finish(); // what the limit refused is worked off
    }
    for (BlockingPool& pool : pools) {
        pool.loop.pool.stop();
    }
    CHECK(worker_budget.used() == 0);
}

TEST_CASE("with a limit of 0 each pool has its one worker") {
    const std::size_t at_rest = count_threads_at_rest();
    const WorkerLimit limit{0};
    std::array<BlockingPool, 2> pools;
    for (BlockingPool& pool : pools) {
        pool.add_reads(3);
    }
    CHECK(are_blocked(2, at_rest));
    pools[0].finish();
    pools[1].finish();
}

TEST_CASE("a pool whose workers are all blocked gets another one when there is room again") {
    const std::size_t at_rest = count_threads_at_rest();
    BlockingPool pool;
    {
        const WorkerLimit limit{0};
        pool.add_reads(2);
        CHECK(are_blocked(1, at_rest));
    }
    const TemporaryFile content{"abc"};
    PlainFile file{content};
    WorkerOperation read;
    pool.add_reads(1); // behind the one that waits
    CHECK(eventually([] { return count_blocked_in(SYS_preadv2) == 3; }));
    pool.loop.add(read, Kind::read, file);
    CHECK(pool.loop.result_of(read) == 3);
    pool.finish();
}

TEST_CASE("a forked child does not count its parent's workers") {
    SKIP_UNDER_TSAN("a child of many threads that makes threads");
    const WorkerLimit limit{1};
    BlockingPool pool;
    pool.add_reads(2);
    CHECK(eventually([] { return count_blocked_in(SYS_preadv2) == 2; }));
    CHECK(worker_budget.used() == 1);
    CHECK(run_in_child([] {
              BlockingPool own;
              own.add_reads(2);
              const bool both = eventually([] { return count_blocked_in(SYS_preadv2) == 2; });
              own.finish();
              return both ? 0 : 1;
          }).status == 0);
    pool.finish();
}

} // namespace
} // namespace aioxx::test
