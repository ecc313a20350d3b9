// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "task/foreign.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Completion;
using aioxx::Queue;
using aioxx::Semaphore;

namespace {

struct Work {
    unsigned now = 0;
    unsigned most = 0;
    std::string order;
};

aioxx::Task<> works(Queue& queue, Semaphore& permits, Work& work, char letter) {
    co_await permits.acquire();
    work.order += letter;
    work.most = std::max(work.most, ++work.now);
    co_await queue.sleep_for(100us);
    --work.now;
    permits.release();
}

Foreign takes(Semaphore& permits, unsigned& taken) {
    const Completion done = co_await permits.acquire().completion();
    taken += done.error() ? 0U : 1U;
}

} // namespace

TEST_CASE("as many tasks have a permit at a time as there are, in the order in which they came") {
    Queue queue;
    Semaphore permits{queue, 3};
    Work work;
    std::vector<aioxx::Task<>> tasks;
    std::string letters;
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        tasks.push_back(works(queue, permits, work, letter));
        letters += letter;
    }
    aioxx::run(queue, aioxx::when_all(std::move(tasks)));
    CHECK(work.most == 3);
    CHECK(work.order == letters);
    CHECK(permits.available() == 3);
}

TEST_CASE("a permit goes to what waits, and not to who tries") {
    Queue queue;
    Semaphore permits{queue, 1};
    CHECK(permits.try_acquire());
    CHECK_FALSE(permits.try_acquire());
    bool acquired = false;
    permits.acquire().start([&](const Completion&) { acquired = true; });
    permits.release();
    CHECK_FALSE(permits.try_acquire());
    queue.run();
    CHECK(acquired);
    permits.release(2);
    CHECK(permits.available() == 2);
}

TEST_CASE("more permits than there are waits are kept") {
    Queue queue;
    Semaphore permits{queue, 0};
    unsigned acquired = 0;
    for (int i = 0; i < 3; ++i) {
        permits.acquire().start([&](const Completion&) { ++acquired; });
    }
    permits.release(5);
    queue.run();
    CHECK(acquired == 3);
    CHECK(permits.available() == 2);
}

TEST_CASE("what is cancelled, or has timed out, takes no permit") {
    Queue queue;
    Semaphore permits{queue, 0};
    unsigned failed = 0;
    const auto fails = [&](const Completion& done) { failed += done.error() ? 1U : 0U; };
    const aioxx::OperationId id = permits.acquire().start(fails);
    permits.acquire().within(0s).start(fails);
    CHECK(queue.cancel(id) == aioxx::Cancellation::cancelled);
    queue.run();
    CHECK(failed == 2);
    permits.release();
    CHECK(permits.available() == 1);
    // There would be one, and the time is over all the same.
    permits.acquire().within(0s).start(fails);
    queue.run();
    CHECK(failed == 3);
    CHECK(permits.available() == 1);
}

TEST_CASE(
    "a permit that was given to a coroutine which is destroyed before it goes on comes back") {
    Queue queue;
    Semaphore permits{queue, 0};
    unsigned taken = 0;
    {
        const Foreign gone = takes(permits, taken);
        permits.release();
        CHECK(permits.available() == 0);
    }
    CHECK(permits.available() == 1);
    {
        const Foreign gone = takes(permits, taken);
        CHECK(permits.available() == 0);
        const Foreign next = takes(permits, taken);
        CHECK(taken == 0);
    }
    CHECK(permits.available() == 1);
    const Foreign gets_it = takes(permits, taken);
    queue.run();
    CHECK(taken == 1);
}
