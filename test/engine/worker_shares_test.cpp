// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/worker_shares.hpp"

#include <chrono>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::FileSystem;
using engine::WorkerShares;
using namespace std::chrono_literals;

constexpr WorkerShares::Time start{std::chrono::hours{1}};
const WorkerShares::Call on_server{nullptr, true};
const WorkerShares::Call on_neither{};

/// So many calls begin.
void begin(WorkerShares& shares, const WorkerShares::Call& call, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        shares.begin(call);
    }
}

TEST_CASE("the last quarter is rounded up") {
    CHECK(engine::last_quarter(0) == 0);
    CHECK(engine::last_quarter(1) == 1);
    CHECK(engine::last_quarter(4) == 1);
    CHECK(engine::last_quarter(5) == 2);
    CHECK(engine::last_quarter(16) == 4);
    CHECK(engine::last_quarter(17) == 5);
}

TEST_CASE("slow calls begin while they leave the last quarter, but for a first one alone") {
    struct Row {
        unsigned workers;
        unsigned most;
    };
    for (const Row row : {Row{1, 1}, Row{2, 1}, Row{3, 2}, Row{4, 3}, Row{5, 3}, Row{16, 12}}) {
        CAPTURE(row.workers);
        WorkerShares shares;
        unsigned begun = 0;
        for (; shares.may_begin_slow(row.workers); ++begun) {
            shares.begin(on_server);
        }
        CHECK(begun == row.most);
        unsigned others = 0;
        for (; shares.may_begin(row.workers); ++others) {
            shares.begin(on_neither);
        }
        CHECK(others == engine::last_quarter(row.workers));
        // One worker is not divided: it is made up for.
        CHECK(shares.beyond(row.workers, 0) == (row.workers == 1 ? 1 : 0));
        CHECK(shares.busy() == row.most + others);
    }
}

TEST_CASE("a slow call waits where there is one worker and it is busy") {
    WorkerShares shares;
    shares.begin(on_neither);
    CHECK_FALSE(shares.may_begin_slow(1));
    CHECK(shares.may_begin_slow(2));
    shares.end(on_neither);
    shares.begin_task();
    CHECK_FALSE(shares.may_begin_slow(1));
    shares.end_task();
    CHECK(shares.may_begin_slow(1));
}

TEST_CASE("calls that are not slow take all workers, and leave the rest to none") {
    WorkerShares shares;
    begin(shares, on_neither, 4);
    CHECK_FALSE(shares.may_begin(4));
    CHECK_FALSE(shares.may_begin_slow(4));
    CHECK(shares.beyond(4, 0) == 0);
    CHECK(shares.beyond(4, 4) == 1);
}

TEST_CASE("a file system is silent when no call on it has completed between two looks") {
    WorkerShares shares;
    FileSystem& file_system = shares.enter(1);
    const WorkerShares::Call call{&file_system, false};
    begin(shares, call, 4);
    CHECK_FALSE(shares.look(start));
    CHECK_FALSE(shares.look(start + 999ms)); // no look
    CHECK_FALSE(WorkerShares::is_slow(call));
    CHECK(shares.look(start + 1s));
    CHECK(WorkerShares::is_slow(call));
    CHECK_FALSE(shares.look(start + 2s)); // known
    CHECK(shares.beyond(4, 0) == 1);
    CHECK(shares.may_begin(4));
    shares.begin(on_neither);
    CHECK_FALSE(shares.may_begin(4));
    CHECK_FALSE(shares.may_begin_slow(4));
    CHECK(shares.end(call)); // it answers
    CHECK_FALSE(WorkerShares::is_slow(call));
    CHECK_FALSE(shares.end(call));
    CHECK(shares.beyond(4, 0) == 0);
    CHECK(shares.busy() == 3);
}

TEST_CASE("a file system on which calls complete, or none is under way, is not silent") {
    WorkerShares shares;
    const WorkerShares::Call works{&shares.enter(1), false};
    const WorkerShares::Call rests{&shares.enter(2), false};
    begin(shares, works, 2);
    for (int second = 0; second < 5; ++second) {
        CHECK_FALSE(shares.look(start + std::chrono::seconds{second}));
        CHECK_FALSE(shares.completed(works));
    }
    begin(shares, rests, 1); // since the last look
    CHECK_FALSE(shares.look(start + 1h));
    CHECK_FALSE(WorkerShares::is_slow(rests));
}

TEST_CASE("one of two file systems is silent, and the other one is not") {
    WorkerShares shares;
    const WorkerShares::Call one{&shares.enter(1), false};
    const WorkerShares::Call other{&shares.enter(2), false};
    begin(shares, one, 1);
    begin(shares, other, 1);
    shares.look(start);
    shares.completed(other);
    CHECK(shares.look(start + 1s));
    CHECK(WorkerShares::is_slow(one));
    CHECK_FALSE(WorkerShares::is_slow(other));
    CHECK(shares.completed(one));
    CHECK(shares.beyond(1, 0) == 0);
}

TEST_CASE("files on one device share what is known of it, until the last of them is gone") {
    WorkerShares shares;
    FileSystem& first = shares.enter(1);
    CHECK(&shares.enter(1) == &first);
    CHECK(&shares.enter(2) != &first);
    WorkerShares::leave(first);
    CHECK(&shares.enter(1) == &first);
    WorkerShares::leave(first);
    const WorkerShares::Call call{&first, false};
    shares.begin(call);
    WorkerShares::leave(first);
    CHECK(&shares.enter(3) != &first); // a call is under way
    CHECK(&shares.enter(1) == &first);
    WorkerShares::leave(first);
    shares.end(call);
    CHECK(&shares.enter(4) == &first);
    CHECK(first.device == 4);
    CHECK(first.completed == 0);
}

} // namespace
} // namespace aioxx::test
