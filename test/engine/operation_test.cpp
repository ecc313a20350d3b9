// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/operation.hpp"

#include <array>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::Operation;
using engine::Route;

TEST_CASE("what has been transferred moves the start of a plain operation") {
    std::array<std::byte, 100> bytes{};
    Operation operation;
    operation.kind = Kind::write;
    operation.base = bytes.data();
    operation.length = bytes.size();
    operation.offset = 1000;
    CHECK(operation.remaining() == 100);
    operation.advance(30);
    CHECK(operation.remaining() == 70);
    operation.prepare(5, -1);
    const auto& raw = operation.iocb.raw();
    CHECK(raw.fd == 5);
    CHECK(raw.buffer == reinterpret_cast<std::uintptr_t>(&bytes[30]));
    CHECK(raw.length == 70);
    CHECK(raw.offset == 1030);
    CHECK(operation.done == 30);
}

TEST_CASE("progress over vectored parts ends inside one, at the end of one, and skips empty ones") {
    std::array<std::byte, 60> bytes{};
    std::array<iovec, 5> parts{iovec{&bytes[0], 10}, iovec{&bytes[10], 0}, iovec{&bytes[10], 20},
                               iovec{&bytes[30], 0}, iovec{&bytes[30], 30}};
    Operation operation;
    operation.kind = Kind::readv;
    operation.vector = parts.data();
    operation.length = parts.size();
    operation.offset = 7;
    CHECK(operation.remaining() == 60);

    operation.advance(4);
    CHECK(operation.remaining() == 56);
    CHECK(operation.length == 5);
    CHECK(operation.vector->iov_base == &bytes[4]);
    CHECK(operation.vector->iov_len == 6);

    operation.advance(6); // to the end of the first part
    CHECK(operation.remaining() == 50);
    CHECK(operation.length == 4);

    operation.advance(25); // over an empty one, one whole part, another empty one, into the last
    CHECK(operation.remaining() == 25);
    CHECK(operation.length == 1);
    CHECK(operation.vector->iov_base == &bytes[35]);

    operation.prepare(5, -1);
    CHECK(operation.iocb.raw().offset == 7 + 35);
    CHECK(operation.iocb.raw().length == 1);

    operation.advance(25);
    CHECK(operation.remaining() == 0);
    CHECK(operation.done == 60);
}

TEST_CASE("only transfers get flags, and RWF_NOWAIT only on the route that tries") {
    std::array<std::byte, 8> bytes{};
    Operation operation;
    operation.kind = Kind::read;
    operation.base = bytes.data();
    operation.length = bytes.size();
    operation.flags = RwFlags::hipri;
    const auto flags_on = [&operation](Route route) {
        operation.route = route;
        operation.prepare(5, -1);
        return static_cast<RwFlags>(operation.iocb.raw().rw_flags);
    };
    CHECK(flags_on(Route::plain) == RwFlags::hipri);
    CHECK(flags_on(Route::helper) == RwFlags::hipri);
    CHECK(flags_on(Route::nonblocking) == RwFlags::hipri);
    CHECK(flags_on(Route::nowait) == (RwFlags::hipri | RwFlags::nowait));
    operation.kind = Kind::fsync;
    CHECK(flags_on(Route::plain) == RwFlags::none);
    CHECK(operation.iocb.raw().length == 0);
}

TEST_CASE("an operation's event finds the operation, and is counted where that is wanted") {
    Operation operation;
    operation.kind = Kind::poll;
    operation.poll_events = 1;
    operation.prepare(5, -1);
    CHECK(operation.iocb.data() == reinterpret_cast<std::uintptr_t>(&operation));
    const auto without = operation.iocb.raw().flags;
    operation.prepare(5, 6);
    CHECK(operation.iocb.raw().flags != without);
    CHECK(operation.iocb.raw().event_fd == 6);
}

} // namespace
} // namespace aioxx::test
