// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Running until a stop token is asked.
#include "queue/files.hpp"

#include <aioxx/aioxx.hpp>

#include <chrono>
#include <stop_token>
#include <system_error>
#include <thread>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Queue;

TEST_CASE("run(token) ends when nothing is outstanding, as run() does") {
    Queue queue;
    const std::stop_source source;
    bool called = false;
    queue.sleep_for(0ns).start([&](auto&) { called = true; });
    queue.run(source.get_token());
    CHECK(called);
    queue.run(std::stop_token{});
}

TEST_CASE("a token ends run(token) from a callback, from another thread, and before it begins") {
    Queue queue;
    const Ends pipe = make_pipe();
    queue.poll(pipe.reader, POLLIN).start([](auto&) {});
    {
        std::stop_source source;
        queue.sleep_for(0ns).start([&](auto&) { source.request_stop(); });
        queue.run(source.get_token());
        queue.run(source.get_token());
    }
    for (int i = 0; i < 200; ++i) { // at different places of the loop
        std::stop_source source;
        std::thread other{[&source] { source.request_stop(); }};
        queue.run(source.get_token());
        other.join();
    }
    CHECK(queue.outstanding() == 1);
    queue.cancel_all();
}

TEST_CASE("a token that has ended a run ends no other, and stop() ends a run with a token") {
    Queue queue;
    const Ends pipe = make_pipe();
    std::stop_source source;
    queue.sleep_for(0ns).start([&](auto&) { source.request_stop(); });
    queue.poll(pipe.reader, POLLIN).start([](auto&) {});
    queue.run(source.get_token());
    bool called = false;
    queue.sleep_for(0ns).start([&](auto&) {
        called = true;
        queue.stop();
    });
    queue.run();
    CHECK(called);
    const std::stop_source another;
    queue.stop();
    queue.run(another.get_token());
    CHECK(queue.outstanding() == 1);
    queue.cancel_all();
    queue.run(another.get_token());
    CHECK(queue.outstanding() == 0);
}

TEST_CASE("a token that is asked while nothing runs does no harm, also when the queue has gone") {
    std::stop_source source;
    {
        Queue queue;
        queue.run(source.get_token());
    }
    source.request_stop();
}

TEST_CASE("run(token) inside a callback is EDEADLK") {
    Queue queue;
    std::error_code error;
    queue.post([&] {
        try {
            queue.run(std::stop_token{});
        } catch (const std::system_error& refused) {
            error = refused.code();
        }
    });
    queue.run();
    CHECK(error == std::errc::resource_deadlock_would_occur);
}
