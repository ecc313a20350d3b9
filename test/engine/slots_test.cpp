// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/slots.hpp"

#include "child.hpp"

#include <algorithm>
#include <csignal>
#include <cstddef>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Slots;

TEST_CASE("without kernel AIO there are no slots") {
    const Slots slots;
    CHECK(slots.used() == 0);
    CHECK_FALSE(slots.available());
}

TEST_CASE("there are as many slots as the capacity says, and those given back count again") {
    Slots slots;
    slots.set_capacity(2);
    slots.take(Slots::one);
    CHECK(slots.available());
    slots.take(Slots::one);
    CHECK_FALSE(slots.available());
    CHECK(slots.used() == 2);
    slots.give_back(Slots::one);
    CHECK(slots.available());
    slots.take(Slots::one);
    CHECK_FALSE(slots.available());
}

TEST_CASE("what is under way keeps its slots when the capacity falls; more come when it rises") {
    Slots slots;
    slots.set_capacity(3);
    slots.take(Slots::one);
    slots.take(Slots::one);
    slots.set_capacity(1);
    CHECK(slots.used() == 2);
    CHECK_FALSE(slots.available());
    slots.give_back(Slots::one);
    CHECK_FALSE(slots.available());
    slots.set_capacity(2);
    CHECK(slots.available());
    slots.set_capacity(0);
    slots.give_back(Slots::one);
    CHECK_FALSE(slots.available());
}

TEST_CASE("what is on a server leaves the last quarter of the slots, rounded up") {
    struct Row {
        std::size_t capacity;
        std::size_t share;
    };
    for (const Row row : {Row{0, 0}, Row{1, 0}, Row{2, 1}, Row{4, 3}, Row{5, 3}, Row{128, 96}}) {
        CAPTURE(row.capacity);
        Slots slots;
        slots.set_capacity(row.capacity);
        std::size_t taken = 0;
        for (; slots.available_on_server(); ++taken) {
            slots.take(Slots::one_on_server);
        }
        CHECK(taken == row.share);
        CHECK(slots.used() == row.share);
        for (; slots.available(); ++taken) {
            slots.take(Slots::one);
        }
        CHECK(taken == row.capacity);
        CHECK(slots.used_on_server() == row.share);
        if (row.share > 0) {
            slots.give_back(Slots::one_on_server);
            CHECK(slots.available_on_server());
            CHECK(slots.used() == row.capacity - 1);
        }
        slots.give_back(0);
        CHECK(slots.used_on_server() == row.share - std::min<std::size_t>(row.share, 1));
    }
}

#ifndef NDEBUG
TEST_CASE("a slot that there is not, and one that was not taken, end a program with assertions") {
    CHECK(run_in_child([] {
              Slots slots;
              slots.take(Slots::one);
              return 0;
          }).signal == SIGABRT);
    CHECK(run_in_child([] {
              Slots slots;
              slots.set_capacity(1);
              slots.give_back(Slots::one);
              return 0;
          }).signal == SIGABRT);
}
#endif

} // namespace
} // namespace aioxx::test
