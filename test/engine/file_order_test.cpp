// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/file_order.hpp"

#include <array>
#include <string>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::FileOrder;
using engine::Operation;
using engine::OperationList;

/// Operations on one file, each known by its place.
struct Operations {
    std::array<Operation, 6> all;
    FileOrder order;

    Operation& operator[](std::size_t place) { return all[place]; }
    /// The places of those that may go on, in order, when `place` ends.
    std::string leave(std::size_t place, bool waited = false) {
        OperationList released;
        order.leave_transfer(all[place], waited, released);
        std::string places;
        while (const Operation* const next = released.pop_front()) {
            places += std::to_string(next - all.data());
        }
        return places;
    }
    bool append(std::size_t place) {
        order.enter_transfer(all[place]);
        return order.enter_append(all[place]);
    }
};

TEST_CASE("a flush waits for nothing where no transfer is under way") {
    Operations on;
    CHECK(on.order.enter_flush(on[0]));
    on.order.enter_transfer(on[1]);
    CHECK(on.leave(1).empty());
    CHECK(on.order.enter_flush(on[2]));
}

TEST_CASE("a flush goes on with the end of the last transfer that was started before it") {
    Operations on;
    on.order.enter_transfer(on[0]);
    on.order.enter_transfer(on[1]);
    CHECK_FALSE(on.order.enter_flush(on[2]));
    on.order.enter_transfer(on[3]); // after the flush: of no concern to it

    CHECK(on.leave(1).empty());
    CHECK(on.leave(0) == "2");
    CHECK(on.leave(3).empty());
}

TEST_CASE("flushes that wait for the same transfer go on in their order") {
    Operations on;
    on.order.enter_transfer(on[0]);
    CHECK_FALSE(on.order.enter_flush(on[1]));
    CHECK_FALSE(on.order.enter_flush(on[2]));
    on.order.enter_transfer(on[3]);
    CHECK_FALSE(on.order.enter_flush(on[4]));
    CHECK(on.leave(0) == "12");
    CHECK(on.leave(3) == "4");
}

TEST_CASE("a transfer that ends out of turn leaves later flushes to earlier transfers") {
    Operations on;
    on.order.enter_transfer(on[0]);
    CHECK_FALSE(on.order.enter_flush(on[1]));
    on.order.enter_transfer(on[2]);
    CHECK_FALSE(on.order.enter_flush(on[3]));
    CHECK(on.leave(2).empty());
    CHECK(on.leave(0) == "13");
}

TEST_CASE("a flush that is given up is not released") {
    Operations on;
    on.order.enter_transfer(on[0]);
    CHECK_FALSE(on.order.enter_flush(on[1]));
    CHECK_FALSE(on.order.enter_flush(on[2]));
    CHECK_FALSE(on.order.enter_flush(on[3]));
    on.order.drop_flush(on[2]);
    CHECK(on.leave(0) == "13");
}

TEST_CASE("appends go on one after the other, in the order in which they were started") {
    Operations on;
    CHECK(on.append(0));
    CHECK(on.order.is_appending(on[0]));
    CHECK_FALSE(on.append(1));
    CHECK_FALSE(on.append(2));
    CHECK_FALSE(on.order.is_appending(on[1]));

    CHECK(on.leave(0) == "1");
    CHECK(on.order.is_appending(on[1]));
    CHECK(on.leave(1) == "2");
    CHECK(on.leave(2).empty());
    CHECK_FALSE(on.order.is_appending(on[2]));
    CHECK(on.append(3));
}

TEST_CASE("an append that waits is given up, and the others keep their turns") {
    Operations on;
    CHECK(on.append(0));
    CHECK_FALSE(on.append(1));
    CHECK_FALSE(on.append(2));
    CHECK_FALSE(on.append(3));
    CHECK(on.leave(2, true).empty());
    CHECK(on.order.is_appending(on[0]));
    CHECK(on.leave(0) == "1");
    CHECK(on.leave(1) == "3");
}

TEST_CASE("appends in turn go on together, but not beside others, nor before those that wait") {
    Operations on;
    for (const std::size_t i : {0U, 1U, 3U, 4U, 5U}) {
        on[i].in_turn = true;
    }
    CHECK(on.append(0));
    CHECK(on.append(1));
    CHECK_FALSE(on.append(2));
    CHECK_FALSE(on.append(3));
    CHECK_FALSE(on.append(4));
    CHECK(on.leave(1).empty());
    CHECK(on.leave(0) == "2");
    CHECK(on.leave(2) == "34");
    CHECK(on.append(5));
}

TEST_CASE("appends in turn go on when the one that they wait behind is given up") {
    Operations on;
    for (const std::size_t i : {0U, 2U, 3U}) {
        on[i].in_turn = true;
    }
    CHECK(on.append(0));
    CHECK_FALSE(on.append(1));
    CHECK_FALSE(on.append(2));
    CHECK_FALSE(on.append(3));
    CHECK(on.leave(1, true) == "23");
}

TEST_CASE("the end of a write at an offset lets no append pass") {
    Operations on;
    CHECK(on.append(0));
    CHECK_FALSE(on.append(1));
    on.order.enter_transfer(on[2]);
    CHECK(on.leave(2).empty());
    CHECK(on.leave(0) == "1");
}

TEST_CASE("a flush waits for appends that wait themselves, and the next append goes first") {
    Operations on;
    CHECK(on.append(0));
    CHECK_FALSE(on.append(1));
    CHECK_FALSE(on.order.enter_flush(on[2]));
    CHECK(on.leave(0) == "1");
    CHECK(on.leave(1) == "2");

    CHECK(on.append(3));
    CHECK_FALSE(on.order.enter_flush(on[4]));
    CHECK_FALSE(on.append(5));
    CHECK(on.leave(3) == "54");
}

} // namespace
} // namespace aioxx::test
