// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Exceptions that leave callbacks, posted calls and tasks.
#include "engine/running_engine.hpp"
#include "queue/files.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/epoll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

aioxx::Task<> fails(const char* what) {
    throw std::runtime_error{what};
    co_return;
}

/// Four failures of one pass, "1" to "4".
void let_four_fail(aioxx::Queue& queue) {
    queue.post([] { throw std::runtime_error{"1"}; });
    queue.post([&queue] { aioxx::spawn(queue, fails("2")); });
    queue.sleep_until({}).start([](auto&) { throw std::runtime_error{"3"}; });
    queue.sleep_until({}).start([](auto&) { throw std::runtime_error{"4"}; });
}

/// What comes out of `run`, call by call, until nothing does.
template <typename Run>
std::string texts(Run run) {
    std::string all;
    for (unsigned calls = 0; calls < 100; ++calls) {
        try {
            run();
            return all;
        } catch (const std::runtime_error& error) {
            all += error.what();
        }
    }
    return "no end";
}

} // namespace

TEST_CASE("of exceptions in one pass each comes out of a call of its own, in order") {
    aioxx::Queue queue;
    let_four_fail(queue);
    CHECK(texts([&] { queue.run(); }) == "1234");
    let_four_fail(queue);
    CHECK(texts([&] { queue.run_once(); }) == "1234");
    let_four_fail(queue);
    CHECK(texts([&] { queue.run_ready(); }) == "1234");
}

TEST_CASE("a call that raises an earlier exception does nothing else") {
    aioxx::Queue queue;
    let_four_fail(queue);
    CHECK_THROWS_WITH(queue.run(), "1");
    bool called = false;
    queue.post([&called] { called = true; });
    CHECK_THROWS_WITH(queue.run(), "2");
    CHECK_THROWS_WITH(queue.run_once(), "3");
    CHECK_THROWS_WITH(queue.run_ready(), "4");
    CHECK_FALSE(called);
    queue.run();
    CHECK(called);
}

TEST_CASE("a task that fails when it is spawned says so in the next run()") {
    aioxx::Queue queue;
    aioxx::spawn(queue, fails("a"));
    aioxx::spawn(queue, fails("b"));
    CHECK_THROWS_WITH(queue.run(), "a");
    CHECK_THROWS_WITH(queue.run(), "b");
    queue.run();
}

TEST_CASE("run() of a task raises the others' exceptions too, and the task goes on") {
    aioxx::Queue queue;
    let_four_fail(queue);
    unsigned ended = 0;
    const auto waits = [&queue, &ended]() -> aioxx::Task<> {
        co_await queue.sleep_for(0ns);
        ++ended;
    };
    CHECK_THROWS_WITH(aioxx::run(queue, waits()), "1");
    CHECK_THROWS_WITH(aioxx::run(queue, waits()), "2");
    CHECK(texts([&] { queue.run(); }) == "34");
    CHECK(ended == 2);
}

TEST_CASE("an event loop is woken until every exception has come out") {
    for (const std::uint32_t mode : {std::uint32_t{0}, std::uint32_t{EPOLLET}}) {
        aioxx::Queue::Options options;
        options.use_event_fd = true;
        aioxx::Queue queue{options};
        const aioxx::File epoll = aioxx::File::adopt(::epoll_create1(EPOLL_CLOEXEC));
        epoll_event event{};
        event.events = EPOLLIN | mode;
        REQUIRE(::epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, queue.event_fd(), &event) == 0);
        let_four_fail(queue);
        aioxx::spawn(queue, fails("0"));
        std::string all;
        while (all.size() < 5 && ::epoll_wait(epoll.fd(), &event, 1, 10'000) == 1) {
            try {
                queue.run_ready();
            } catch (const std::runtime_error& error) {
                all += error.what();
            }
        }
        CHECK(all == "01234");
        // What was started meanwhile is not forgotten either.
        bool done = false;
        queue.post([] { throw std::runtime_error{"5"}; });
        queue.post([] { throw std::runtime_error{"6"}; });
        while (all.size() < 6 && ::epoll_wait(epoll.fd(), &event, 1, 10'000) == 1) {
            try {
                queue.run_ready();
            } catch (const std::runtime_error& error) {
                all += error.what();
                queue.post([&done] { done = true; });
            }
        }
        while (!done && ::epoll_wait(epoll.fd(), &event, 1, 10'000) == 1) {
            CHECK_NOTHROW(texts([&] { queue.run_ready(); }));
        }
        CHECK(done);
    }
}
