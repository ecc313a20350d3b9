// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/backlog.hpp"

#include <array>
#include <cstdint>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Backlog;
using engine::Operation;

TEST_CASE("an empty backlog has nothing") {
    Backlog backlog;
    CHECK(backlog.empty());
    CHECK(backlog.size() == 0);
    CHECK(backlog.pop() == nullptr);
    CHECK(backlog.size() == 0);
}

TEST_CASE("operations of one rank leave the backlog in the order in which they came") {
    std::array<Operation, 4> operations;
    Backlog backlog;
    for (Operation& operation : operations) {
        operation.request.rank = 7;
        backlog.push(operation);
    }
    CHECK(backlog.size() == 4);
    for (Operation& operation : operations) {
        CHECK(backlog.pop() == &operation);
    }
    CHECK(backlog.empty());
}

TEST_CASE("the lowest rank leaves the backlog first, whenever it came") {
    constexpr std::array<std::uint8_t, 6> ranks{5, 31, 0, 5, 0, 16};
    constexpr std::array<std::size_t, 6> expected{2, 4, 0, 3, 5, 1};
    std::array<Operation, 6> operations;
    Backlog backlog;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        operations[i].request.rank = ranks[i];
        backlog.push(operations[i]);
    }
    for (const std::size_t next : expected) {
        CAPTURE(next);
        CHECK(backlog.pop() == &operations[next]);
    }
    CHECK(backlog.empty());
}

TEST_CASE("each rank has its place, and one that there is not goes with another") {
    std::array<Operation, Backlog::ranks> operations;
    Backlog backlog;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        operations[i].request.rank = static_cast<std::uint8_t>(operations.size() - 1 - i);
        backlog.push(operations[i]);
    }
    Operation beyond;
    beyond.request.rank = Backlog::ranks + 3;
    backlog.push(beyond);
    for (std::size_t rank = 0; rank < operations.size(); ++rank) {
        CAPTURE(rank);
        CHECK(backlog.pop() == &operations[operations.size() - 1 - rank]);
        if (rank == 3) {
            CHECK(backlog.pop() == &beyond);
        }
    }
    CHECK(backlog.empty());
}

TEST_CASE("an operation leaves the backlog out of turn, and its rank with the last one") {
    std::array<Operation, 4> operations;
    operations[3].request.rank = 9;
    Backlog backlog;
    for (Operation& operation : operations) {
        backlog.push(operation);
    }
    backlog.remove(operations[1]);
    CHECK(backlog.size() == 3);
    CHECK(backlog.pop() == operations.data());
    backlog.remove(operations[2]);
    CHECK(backlog.size() == 1);
    CHECK(backlog.pop() == &operations[3]);
    CHECK(backlog.empty());
    backlog.push(operations[1]);
    backlog.remove(operations[1]);
    CHECK(backlog.empty());
    CHECK(backlog.pop() == nullptr);
}

} // namespace
} // namespace aioxx::test
