// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/files.hpp"

#include <aioxx/aioxx.hpp>

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Queue;
using aioxx::Task;

namespace {

Task<> yields(Queue& queue, std::string& steps, char letter, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        steps += letter;
        co_await queue.yield();
    }
}

Task<> yields_until(Queue& queue, const bool& enough, unsigned& rounds) {
    while (!enough) {
        ++rounds;
        co_await queue.yield();
    }
}

} // namespace

TEST_CASE("tasks that yield go on by turns, and not inside of the call") {
    Queue queue;
    std::string steps;
    aioxx::spawn(queue, yields(queue, steps, 'a', 3));
    aioxx::spawn(queue, yields(queue, steps, 'b', 3));
    CHECK(steps == "ab");
    queue.run();
    CHECK(steps == "ababab");
}

TEST_CASE("run_ready() comes to an end with a task that yields for ever: one round each") {
    Queue queue;
    bool enough = false;
    unsigned rounds = 0;
    aioxx::spawn(queue, yields_until(queue, enough, rounds));
    for (unsigned i = 1; i < 10; ++i) {
        CHECK(rounds == i);
        CHECK(queue.run_ready() == 1);
    }
    CHECK(queue.outstanding() == 1);
    enough = true;
    queue.run();
}

TEST_CASE("a task that yields leaves timers, posted calls and completions their turn") {
    Queue queue;
    const Ends pipe = make_pipe();
    bool slept = false;
    bool posted = false;
    bool ready = false;
    bool enough = false;
    unsigned rounds = 0;
    queue.sleep_for(1ms).start([&](auto&) { slept = true; });
    queue.post([&] { posted = true; });
    queue.poll(pipe.reader, POLLIN).start([&](auto&) { ready = true; });
    pipe.fill("x");
    const auto all_seen = [&]() -> Task<> {
        while (!slept || !posted || !ready) {
            co_await queue.yield();
        }
        enough = true;
    };
    aioxx::spawn(queue, yields_until(queue, enough, rounds));
    aioxx::run(queue, all_seen());
    CHECK(enough);
    queue.run();
}

TEST_CASE("a task that yields for ever keeps no close() waiting, and an event loop is told of it") {
    Queue::Options options;
    options.use_event_fd = true;
    Queue queue{options};
    const bool never = false;
    unsigned rounds = 0;
    aioxx::spawn(queue, yields_until(queue, never, rounds));
    pollfd polled{queue.event_fd(), POLLIN, 0};
    for (int i = 0; i < 3; ++i) {
        CHECK(::poll(&polled, 1, 0) == 1);
        queue.run_ready();
    }
    CHECK(rounds == 4);
    CHECK(queue.close_for(1h).outstanding == 0);
}

TEST_CASE(
    "a yield is an operation: it can be started, counted, and refused where there is no room") {
    Queue::Options options;
    options.limit = 1;
    Queue queue{options};
    bool called = false;
    queue.yield().start([&](const aioxx::Completion& done) { called = !done.error(); });
    CHECK(queue.outstanding() == 1);
    std::error_code error;
    queue.yield().start([](auto&) {}, error);
    CHECK(error == std::errc::resource_unavailable_try_again);
    CHECK_FALSE(called);
    queue.run();
    CHECK(called);
}
