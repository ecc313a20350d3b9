// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/aioxx.hpp>

#include <chrono>
#include <stop_token>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

template <typename Operation>
concept Starts = requires(Operation operation, std::error_code& error) {
    std::move(operation).start([](const aioxx::Completion&) {}, error);
};

using Sleep = decltype(std::declval<aioxx::Queue&>().sleep_for(1h));
using StoppedSleep = decltype(std::declval<Sleep>().stopped_by(std::stop_token{}));

aioxx::Task<bool> is_stopped(aioxx::Queue& queue, std::stop_token token) {
    const aioxx::Completion done = co_await queue.sleep_for(1h).stopped_by(token).completion();
    co_return done.cancelled();
}

} // namespace

TEST_CASE("an operation with a stop token is awaited: starting it with a callback is no program") {
    CHECK(Starts<Sleep>);
    CHECK_FALSE(Starts<StoppedSleep>);
}

TEST_CASE("a stop token ends an operation: before it, from the queue's thread and from another") {
    aioxx::Queue queue;
    std::stop_source before;
    before.request_stop();
    CHECK(aioxx::run(queue, is_stopped(queue, before.get_token())));

    std::stop_source own;
    queue.sleep_for(0ns).start([&own](const aioxx::Completion&) { own.request_stop(); });
    CHECK(aioxx::run(queue, is_stopped(queue, own.get_token())));

    std::stop_source others;
    std::thread other{[&others] { others.request_stop(); }};
    CHECK(aioxx::run(queue, is_stopped(queue, others.get_token())));
    other.join();
}

TEST_CASE("a stop token without a source changes nothing, and one that is late does no harm") {
    aioxx::Queue queue;
    std::stop_source late;
    const auto sleeps = [](aioxx::Queue& on, std::stop_token token) -> aioxx::Task<> {
        co_await on.sleep_for(0ns).stopped_by({});
        co_await on.sleep_for(0ns).stopped_by(std::move(token));
    };
    aioxx::run(queue, sleeps(queue, late.get_token()));
    late.request_stop();
    aioxx::run(queue, sleeps(queue, {}));
}

TEST_CASE("cancelling by a stop token is thrown where no completion is asked for") {
    aioxx::Queue queue;
    std::stop_source source;
    source.request_stop();
    const auto sleeps = [](aioxx::Queue& on, std::stop_token token) -> aioxx::Task<> {
        co_await on.sleep_for(1h).stopped_by(std::move(token));
    };
    try {
        aioxx::run(queue, sleeps(queue, source.get_token()));
        FAIL("nothing was thrown");
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::operation_canceled);
    }
}
