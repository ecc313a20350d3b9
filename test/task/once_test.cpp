// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A Task runs once.
#include <aioxx/aioxx.hpp>

#include <chrono>
#include <stdexcept>
#include <utility>

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

aioxx::Task<int> number(aioxx::Queue& queue) {
    co_await queue.sleep_for(0ns);
    co_return 7;
}

aioxx::Task<> nothing(aioxx::Queue& queue) {
    co_await queue.sleep_for(0ns);
}

} // namespace

TEST_CASE("a Task that is run twice is a logic_error the second time") {
    aioxx::Queue queue;
    aioxx::Task<int> task = number(queue);
    CHECK(aioxx::run(queue, std::move(task)) == 7);
    CHECK_THROWS_AS(aioxx::run(queue, std::move(task)), std::logic_error);
}

TEST_CASE("a Task that is spawned twice is a logic_error the second time") {
    aioxx::Queue queue;
    aioxx::Task<> task = nothing(queue);
    aioxx::spawn(queue, std::move(task));
    CHECK_THROWS_AS(aioxx::spawn(queue, std::move(task)), std::logic_error);
    queue.run();
}

TEST_CASE("a Task that is awaited twice is a logic_error the second time") {
    aioxx::Queue queue;
    const auto twice = [](aioxx::Queue& on) -> aioxx::Task<int> {
        aioxx::Task<int> task = number(on);
        int result = co_await std::move(task);
        try {
            result += co_await std::move(task);
        } catch (const std::logic_error&) {
            result += 100;
        }
        co_return result;
    };
    CHECK(aioxx::run(queue, twice(queue)) == 107);
}

TEST_CASE("a Task that was moved away is a logic_error, also among others") {
    aioxx::Queue queue;
    const auto moved = [](aioxx::Queue& on) -> aioxx::Task<> {
        aioxx::Task<int> task = number(on);
        const aioxx::Task<int> other{std::move(task)};
        static_cast<void>(co_await aioxx::when_all(std::move(task), number(on)));
    };
    CHECK_THROWS_AS(aioxx::run(queue, moved(queue)), std::logic_error);
}

TEST_CASE("what a Task held is gone when it has been awaited") {
    aioxx::Queue queue;
    struct Held {
        bool* gone;
        ~Held() { *gone = true; }
    };
    bool gone = false;
    const auto holds = [](aioxx::Queue& on, bool* flag) -> aioxx::Task<> {
        const Held held{flag};
        co_await on.sleep_for(0ns);
    };
    const auto awaits = [&gone, holds](aioxx::Queue& on) -> aioxx::Task<bool> {
        auto task = holds(on, &gone);
        co_await std::move(task);
        co_return gone;
    };
    CHECK(aioxx::run(queue, awaits(queue)));
}
