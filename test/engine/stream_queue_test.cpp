// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/stream_queue.hpp"

#include <array>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Operation;
using engine::StreamQueue;

TEST_CASE("the first transfer on a stream goes on at once, and the others wait for it in order") {
    std::array<Operation, 3> operations;
    StreamQueue queue;
    CHECK(queue.active() == nullptr);
    CHECK(queue.enter(operations[0]));
    CHECK_FALSE(queue.has_waiting());
    CHECK_FALSE(queue.enter(operations[1]));
    CHECK_FALSE(queue.enter(operations[2]));
    CHECK(queue.active() == operations.data());
    CHECK(queue.has_waiting());

    CHECK(queue.leave(operations[0]) == &operations[1]);
    CHECK(queue.active() == &operations[1]);
    CHECK(queue.leave(operations[1]) == &operations[2]);
    CHECK_FALSE(queue.has_waiting());
    CHECK(queue.leave(operations[2]) == nullptr);
    CHECK(queue.active() == nullptr);
}

TEST_CASE("a transfer that waits is given up, and nothing goes on for that") {
    std::array<Operation, 4> operations;
    StreamQueue queue;
    for (Operation& operation : operations) {
        queue.enter(operation);
    }
    CHECK(queue.leave(operations[2]) == nullptr);
    CHECK(queue.active() == operations.data());
    CHECK(queue.leave(operations[0]) == &operations[1]);
    CHECK(queue.leave(operations[1]) == &operations[3]);
    CHECK(queue.leave(operations[3]) == nullptr);
}

TEST_CASE("a stream that has become empty takes the next transfer at once") {
    std::array<Operation, 2> operations;
    StreamQueue queue;
    CHECK(queue.enter(operations[0]));
    CHECK(queue.leave(operations[0]) == nullptr);
    CHECK(queue.enter(operations[1]));
    CHECK(queue.active() == &operations[1]);
}

} // namespace
} // namespace aioxx::test
