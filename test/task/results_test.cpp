// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What tasks give, and what they are given.
#include "descriptors.hpp"

#include <aioxx/aioxx.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <poll.h>

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

aioxx::Task<int&> refer_to(aioxx::Queue& queue, int& number) {
    co_await queue.sleep_for(0ns);
    co_return number;
}

} // namespace

TEST_CASE("a poll that is awaited gives the events that are there") {
    const aioxx::test::Pipe pipe;
    aioxx::Queue queue;
    const auto ready = [](aioxx::Queue& on, int writer) -> aioxx::Task<std::uint32_t> {
        const aioxx::File file = aioxx::File::borrow(writer);
        co_return co_await on.poll(file, POLLOUT);
    };
    CHECK((aioxx::run(queue, ready(queue, pipe.writer)) & POLLOUT) != 0);
}

TEST_CASE("co_return {} gives a value made of nothing, and of what is in the braces") {
    aioxx::Queue queue;
    const auto none = []() -> aioxx::Task<std::string> { co_return {}; };
    const auto pair = []() -> aioxx::Task<std::pair<int, std::string>> { co_return {7, "seven"}; };
    CHECK(aioxx::run(queue, none()).empty());
    CHECK(aioxx::run(queue, pair()) == std::pair<int, std::string>{7, "seven"});
}

TEST_CASE("a task of a reference refers to what it was given, awaited and run") {
    aioxx::Queue queue;
    int number = 1;
    int& run = aioxx::run(queue, refer_to(queue, number));
    CHECK(&run == &number);
    const auto awaits = [](aioxx::Queue& on, int& one) -> aioxx::Task<> {
        int& same = co_await refer_to(on, one);
        ++same;
    };
    aioxx::run(queue, awaits(queue, number));
    CHECK(number == 2);
    const auto fails = []() -> aioxx::Task<int&> {
        throw std::runtime_error{"no reference"};
        co_return *static_cast<int*>(nullptr);
    };
    CHECK_THROWS_AS(static_cast<void>(aioxx::run(queue, fails())), std::runtime_error);
}

TEST_CASE("tasks of references side by side give reference_wrappers") {
    aioxx::Queue queue;
    int one = 1;
    int two = 2;
    auto both = aioxx::run(queue, aioxx::when_all(refer_to(queue, one), refer_to(queue, two)));
    CHECK(&std::get<1>(both).get() == &two);
    std::vector<aioxx::Task<int&>> tasks;
    tasks.push_back(refer_to(queue, one));
    const std::vector<std::reference_wrapper<int>> many =
        aioxx::run(queue, aioxx::when_all(std::move(tasks)));
    CHECK(&many.at(0).get() == &one);
}
