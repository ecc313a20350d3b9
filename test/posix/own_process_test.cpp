// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The limits of a test's own process: one that hangs is named, and holds up nothing else.
#include "posix/own_process.hpp"

#include <csignal>

namespace aioxx::test {
namespace {

TEST_CASE("what a process leaves running ends with it") {
    const ProgramEnd end = run({.arguments = {"/bin/sh", "-c", "sleep 1000 & echo begun; exit 3"},
                                .environment = {},
                                .seconds = 900});
    CHECK(end.status == 3);
    CHECK(end.text == "begun\n");
}

TEST_CASE("a process that does not end is ended, and says where it was") {
    const ProgramEnd end =
        run({.arguments = {"/bin/sleep", "1000"}, .environment = {}, .seconds = 1});
    CHECK(end.timed_out);
    CHECK(end.signal == SIGKILL);
    CHECK(end.text.find(", sleep\n  call ") != std::string::npos);
}

} // namespace
} // namespace aioxx::test
