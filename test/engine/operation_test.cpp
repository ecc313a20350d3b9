// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/operation.hpp"

#include <array>
#include <cerrno>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::Operation;
using engine::State;
using engine::Way;

TEST_CASE("what has been transferred moves the start of a plain operation") {
    std::array<std::byte, 100> bytes{};
    Operation operation;
    operation.request.kind = Kind::write;
    operation.request.data = bytes.data();
    operation.request.length = bytes.size();
    operation.request.offset = 1000;
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
    std::array<iovec, 5> parts{iovec{bytes.data(), 10}, iovec{&bytes[10], 0}, iovec{&bytes[10], 20},
                               iovec{&bytes[30], 0}, iovec{&bytes[30], 30}};
    Operation operation;
    operation.request.kind = Kind::readv;
    operation.request.data = parts.data();
    operation.request.length = parts.size();
    operation.request.offset = 7;
    const auto first = [&operation] { return static_cast<const iovec*>(operation.request.data); };
    CHECK(operation.remaining() == 60);

    operation.advance(4);
    CHECK(operation.remaining() == 56);
    CHECK(operation.request.length == 5);
    CHECK(first()->iov_base == &bytes[4]);
    CHECK(first()->iov_len == 6);

    operation.advance(6); // to the end of the first part
    CHECK(operation.remaining() == 50);
    CHECK(operation.request.length == 4);

    operation.advance(25); // over an empty one, one whole part, another empty one, into the last
    CHECK(operation.remaining() == 25);
    CHECK(operation.request.length == 1);
    CHECK(first()->iov_base == &bytes[35]);

    operation.prepare(5, -1);
    CHECK(operation.iocb.raw().offset == 7 + 35);
    CHECK(operation.iocb.raw().length == 1);

    operation.advance(25);
    CHECK(operation.remaining() == 0);
    CHECK(operation.done == 60);
}

TEST_CASE("only transfers get flags, and RWF_NOWAIT only on the ways that try") {
    std::array<std::byte, 8> bytes{};
    Operation operation;
    operation.request.kind = Kind::read;
    operation.request.data = bytes.data();
    operation.request.length = bytes.size();
    operation.request.flags = RwFlags::hipri;
    const auto flags_on = [&operation](Way way) {
        operation.way = way;
        operation.prepare(5, -1);
        return static_cast<RwFlags>(operation.iocb.raw().rw_flags);
    };
    CHECK(flags_on(Way::submit) == RwFlags::hipri);
    CHECK(flags_on(Way::worker) == RwFlags::hipri);
    CHECK(flags_on(Way::worker_submit) == RwFlags::hipri);
    CHECK(flags_on(Way::call_nonblocking) == RwFlags::hipri);
    CHECK(flags_on(Way::submit_nowait) == (RwFlags::hipri | RwFlags::nowait));
    CHECK(flags_on(Way::call_nowait) == (RwFlags::hipri | RwFlags::nowait));
    CHECK(flags_on(Way::worker_nowait) == (RwFlags::hipri | RwFlags::nowait));
    operation.request.kind = Kind::fsync;
    CHECK(flags_on(Way::submit) == RwFlags::none);
    CHECK(operation.iocb.raw().length == 0);
}

TEST_CASE("an operation's event finds the operation, and is counted where that is wanted") {
    Operation operation;
    operation.request.kind = Kind::poll;
    operation.request.bits = 1;
    operation.prepare(5, -1);
    CHECK(operation.iocb.data() == reinterpret_cast<std::uintptr_t>(&operation));
    const auto without = operation.iocb.raw().flags;
    operation.prepare(5, 6);
    CHECK(operation.iocb.raw().flags != without);
    CHECK(operation.iocb.raw().event_fd == 6);
}

TEST_CASE("each kind of request becomes the kernel's opcode, with its priority if it has one") {
    std::array<std::byte, 8> bytes{};
    std::array<iovec, 1> parts{iovec{bytes.data(), bytes.size()}};
    struct Row {
        Kind kind;
        void* data;
        Opcode opcode;
    };
    for (const Row& row : {
             Row{Kind::read, bytes.data(), Opcode::read},
             Row{Kind::write, bytes.data(), Opcode::write},
             Row{Kind::readv, parts.data(), Opcode::readv},
             Row{Kind::writev, parts.data(), Opcode::writev},
             Row{Kind::fsync, nullptr, Opcode::fsync},
             Row{Kind::fdatasync, nullptr, Opcode::fdatasync},
             Row{Kind::poll, nullptr, Opcode::poll},
         }) {
        CAPTURE(static_cast<int>(row.kind));
        Operation operation;
        operation.request.kind = row.kind;
        operation.request.data = row.data;
        operation.request.length = 1;
        operation.prepare(5, -1);
        CHECK(operation.iocb.opcode() == row.opcode);
        CHECK(operation.iocb.priority() == IoPriority{});
        operation.request.prioritised = true;
        operation.request.priority = IoPriority{IoPriority::Class::idle, 3};
        operation.prepare(5, -1);
        CHECK(operation.iocb.priority() == operation.request.priority);
    }
}

TEST_CASE("a try is what comes back with EAGAIN instead of blocking") {
    struct Row {
        Way way;
        bool is_try;
        bool asks_nowait;
    };
    for (const Row& row : {
             Row{Way::submit, false, false},
             Row{Way::submit_nowait, true, true},
             Row{Way::call_nonblocking, true, false},
             Row{Way::call_nowait, true, true},
             Row{Way::worker, false, false},
             Row{Way::worker_nowait, true, true},
             Row{Way::worker_submit, false, false},
         }) {
        CAPTURE(static_cast<int>(row.way));
        Operation operation;
        operation.way = row.way;
        CHECK(operation.is_try() == row.is_try);
        CHECK(operation.asks_nowait() == row.asks_nowait);
    }
}

TEST_CASE("beginning forgets what an earlier use has left") {
    Operation operation;
    operation.done = 5;
    operation.result = -EIO;
    operation.result2 = 7;
    operation.end_of_file = true;
    operation.cancel_requested = true;
    operation.begin();
    CHECK(operation.done == 0);
    CHECK(operation.result == 0);
    CHECK(operation.result2 == 0);
    CHECK_FALSE(operation.end_of_file);
    CHECK_FALSE(operation.cancel_requested);
    CHECK(operation.state() == State::idle);
}

} // namespace
} // namespace aioxx::test
