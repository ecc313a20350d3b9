// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The log of the example, where a write or a flush fails.
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

using namespace aioxx::test;

namespace {

Tool log_program(const std::string& log) {
    Tool tool{{log}};
    tool.program = WRITE_AHEAD_PROGRAM;
    tool.before_exec = refuse_threads; // all calls are made where the test looks on
    return tool;
}

} // namespace

TEST_CASE("after a failed flush no commit is called durable, and nothing is flushed again") {
    const Workspace here;
    Tool tool = log_program(here / "log");
    tool.before_exec = [] {
        refuse_threads();
        refuse_call(SYS_fdatasync, EIO);
    };
    unsigned flushes = 0;
    const Outcome end = tool.trace([&](const Stop& stop) {
        flushes += stop.number == SYS_fdatasync ? 1 : 0;
        return Then::go_on;
    });
    CAPTURE(end.errors);
    CHECK(end.status == 0);
    CHECK(end.out == "0 durable, then 0\n");
    CHECK(flushes == 1);
}

TEST_CASE("after a failed write the log takes no more records") {
    const Workspace here;
    unsigned writes = 0;
    const Outcome end = log_program(here / "log").trace([&](const Stop& stop) {
        auto call = plain_transfer_of(stop);
        if (call && call->write && writes++ == 0) {
            call->part.iov_base = nullptr; // EFAULT, and the next succeeds
            poke(stop.pid, call->address, call->part);
        }
        return Then::go_on;
    });
    CAPTURE(end.errors);
    CHECK(end.status == 0);
    CHECK(end.out == "0 durable, then 0\n");
    CHECK(writes > 0);
    CHECK(writes <= 10);
}

TEST_CASE("where nothing fails, every commit is durable") {
    const Workspace here;
    Tool tool{{here / "log"}};
    tool.program = WRITE_AHEAD_PROGRAM;
    CHECK(tool.run().out == "10 durable, then 11\n");
    CHECK(status_of(here / "log").st_size == 11 * 7);
}
