// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

#include <csignal>

using namespace aioxx::test;

namespace {

/// The system calls by which the temporary file comes into being, when nobody disturbs; `first` is
/// the index of the first.
std::vector<long> calls_of(const Tool& tool, unsigned& first) {
    std::vector<long> calls;
    bool handlers = false;
    const Outcome end = tool.trace([&](const Stop& stop) {
        if (!handlers) {
            first = stop.index + 1;
            handlers = stop.number == SYS_rt_sigaction && stop.arguments[0] == SIGXFSZ;
            return Then::go_on;
        }
        calls.push_back(stop.number);
        return stop.number == call_ftruncate ? Then::let_go : Then::go_on;
    });
    REQUIRE(end.status == 0);
    return calls;
}

Outcome interrupt(const Tool& tool, unsigned at, int signal) {
    return tool.trace([&](const Stop& stop) {
        if (stop.index < at) {
            return Then::go_on;
        }
        ::kill(stop.pid, signal);
        return Then::let_go;
    });
}

} // namespace

TEST_CASE(
    "ended at whichever of the calls that make its temporary file, probe leaves nothing behind") {
    const Workspace here;
    for (const bool nameless : {true, false}) {
        Tool tool{{"probe", here.path()}};
        if (!nameless) {
            tool.before_exec = refuse_nameless_files;
        }
        unsigned first = 0;
        const std::vector<long> calls = calls_of(tool, first);
        REQUIRE(calls.size() > 10);
        for (std::size_t i = 0; i < calls.size(); ++i) {
            for (const int signal : {SIGINT, SIGKILL}) {
                CAPTURE(nameless);
                CAPTURE(i);
                CAPTURE(signal);
                const Outcome end = interrupt(tool, first + static_cast<unsigned>(i), signal);
                CHECK(end.signal == signal);
                // Between making a file and removing its name nothing can be done about SIGKILL.
                if (signal == SIGKILL && !nameless && calls[i] == SYS_unlinkat) {
                    CHECK(here.names().size() == 1);
                    std::filesystem::remove(here / here.names().front());
                }
                CHECK(here.names().empty());
            }
        }
    }
}

TEST_CASE("ended in the middle of each kind of access, probe leaves nothing behind") {
    const Workspace here;
    for (const aioxx::Opcode opcode :
         {aioxx::Opcode::read, aioxx::Opcode::write, aioxx::Opcode::fsync}) {
        for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
            CAPTURE(signal);
            unsigned count = 0;
            Tool tool{{"probe", here.path()}};
            tool.before_exec = refuse_nameless_files;
            const Outcome end = tool.trace([&](const Stop& stop) {
                // The first ones are there to see which there are.
                if (!submits(stop, opcode) || ++count < 40) {
                    return Then::go_on;
                }
                ::kill(stop.pid, signal);
                return Then::let_go;
            });
            CHECK(end.signal == signal);
            CHECK(here.names().empty());
        }
    }
}
