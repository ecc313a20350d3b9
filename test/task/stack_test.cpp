// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A loop takes as much stack as one of its rounds, whatever the compiler makes of a resume at the
// end of a function.
#include <aioxx/aioxx.hpp>

#include <chrono>
#include <coroutine>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

constexpr unsigned rounds = 200'000;

aioxx::Task<unsigned> cached(unsigned value) {
    co_return value;
}

aioxx::Task<unsigned> two_deep(unsigned value) {
    co_return co_await cached(value);
}

aioxx::Task<> fails() {
    throw std::runtime_error{"at once"};
    co_return;
}

/// Goes on inside its own await_suspend, as an awaitable may.
struct Inline {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) const { waiter.resume(); }
    void await_resume() const noexcept {}
};

aioxx::Task<unsigned> resumed_inline(unsigned value) {
    co_await Inline{};
    co_return value;
}

aioxx::Task<unsigned> slept(aioxx::Queue& queue, unsigned value) {
    co_await queue.sleep_until({});
    co_return value;
}

} // namespace

TEST_CASE("a loop over tasks that end at once takes no stack") {
    aioxx::Queue queue;
    const auto loop = []() -> aioxx::Task<unsigned> {
        unsigned sum = 0;
        for (unsigned i = 0; i < rounds; ++i) {
            sum += co_await cached(1);
            sum += co_await two_deep(1);
            sum += co_await resumed_inline(1);
        }
        co_return sum;
    };
    CHECK(aioxx::run(queue, loop()) == 3 * rounds);
}

TEST_CASE("a loop that goes on in a completion takes no stack either") {
    aioxx::Queue queue;
    const auto loop = [](aioxx::Queue& on) -> aioxx::Task<unsigned> {
        unsigned sum = co_await slept(on, 1);
        for (unsigned i = 0; i < rounds; ++i) {
            sum += co_await cached(1);
            if (i % 100 == 0) {
                sum += co_await slept(on, 1);
            }
        }
        co_return sum;
    };
    CHECK(aioxx::run(queue, loop(queue)) == 1 + rounds + rounds / 100);
}

TEST_CASE("a loop over tasks that fail at once takes no stack") {
    aioxx::Queue queue;
    const auto loop = []() -> aioxx::Task<unsigned> {
        unsigned failed = 0;
        for (unsigned i = 0; i < 20'000; ++i) {
            try {
                co_await fails();
            } catch (const std::runtime_error&) {
                ++failed;
            }
        }
        co_return failed;
    };
    CHECK(aioxx::run(queue, loop()) == 20'000);
}

TEST_CASE("a loop over when_all() of tasks that end at once takes no stack") {
    aioxx::Queue queue;
    const auto loop = []() -> aioxx::Task<unsigned> {
        unsigned sum = 0;
        for (unsigned i = 0; i < rounds / 4; ++i) {
            const auto [one, two] = co_await aioxx::when_all(cached(1), two_deep(1));
            sum += one + two;
        }
        co_return sum;
    };
    CHECK(aioxx::run(queue, loop()) == rounds / 2);
}

TEST_CASE("a loop over operations that are refused takes no stack") {
    aioxx::Queue queue;
    const auto loop = [](aioxx::Queue& on) -> aioxx::Task<unsigned> {
        const aioxx::File closed;
        unsigned failed = 0;
        for (unsigned i = 0; i < rounds; ++i) {
            failed += (co_await on.fsync(closed).completion()).error() ? 1U : 0U;
        }
        co_return failed;
    };
    CHECK(aioxx::run(queue, loop(queue)) == rounds);
}
