// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The log of the example, where a write or a flush fails.
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

using namespace aioxx::test;
using aioxx::Opcode;

namespace {

/// Lets the first operation of that kind fail, and counts them.
Outcome commit_where_the_first_fails(Opcode opcode, const std::string& log, unsigned& made) {
    Tool tool{{log}};
    tool.program = WRITE_AHEAD_PROGRAM;
    tool.before_exec = refuse_threads; // all is submitted where the test looks on
    return tool.trace([&](const Stop& stop) {
        for (auto [address, iocb] : iocbs_of(stop)) {
            if (static_cast<Opcode>(iocb.opcode) == opcode && made++ == 0) {
                iocb.fd = static_cast<std::uint32_t>(-1); // EBADF, and the next succeeds
                poke(stop.pid, address, iocb);
            }
        }
        return Then::go_on;
    });
}

} // namespace

TEST_CASE("after a failed flush no commit is called durable, and nothing is flushed again") {
    const Workspace here;
    unsigned flushes = 0;
    const Outcome end = commit_where_the_first_fails(Opcode::fdatasync, here / "log", flushes);
    CAPTURE(end.errors);
    CHECK(end.status == 0);
    CHECK(end.out == "0 durable, then 0\n");
    CHECK(flushes == 1);
}

TEST_CASE("after a failed write the log takes no more records") {
    const Workspace here;
    unsigned writes = 0;
    const Outcome end = commit_where_the_first_fails(Opcode::write, here / "log", writes);
    CAPTURE(end.errors);
    CHECK(end.status == 0);
    CHECK(end.out == "0 durable, then 0\n");
    CHECK(writes <= 10);
}

TEST_CASE("where nothing fails, every commit is durable") {
    const Workspace here;
    Tool tool{{here / "log"}};
    tool.program = WRITE_AHEAD_PROGRAM;
    CHECK(tool.run().out == "10 durable, then 11\n");
    CHECK(status_of(here / "log").st_size == 11 * 7);
}
