// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

#include <csignal>

#include <fcntl.h>

using namespace aioxx::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

/// How many system calls it takes for the temporary file to come into being, when nothing disturbs,
/// or about so many; `first` is the index of the first.
unsigned count_calls(const Tool& tool, unsigned& first) {
    unsigned count = 0;
    bool handlers = false;
    const Outcome end = tool.trace([&](const Stop& stop) {
        if (!handlers) {
            first = stop.index + 1;
            handlers = stop.number == SYS_rt_sigaction && stop.arguments[0] == SIGXFSZ;
            return Then::go_on;
        }
        ++count;
        return stop.number == call_ftruncate ? Then::let_go : Then::go_on;
    });
    REQUIRE(end.status == 0);
    return count;
}

/// `exists` says afterwards whether a file had been made, and its name not yet removed.
Outcome interrupt(const Tool& tool, unsigned at, int signal, bool& exists) {
    constexpr std::uint64_t new_file = O_CREAT | O_EXCL;
    exists = false;
    return tool.trace([&](const Stop& stop) {
        if (stop.index < at) {
            // By what is called, not by its place: a sanitizer has calls of its own in between.
            const bool makes =
                stop.number == SYS_openat && (stop.arguments[2] & new_file) == new_file;
            exists = makes || (exists && stop.number != SYS_unlinkat);
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
        const unsigned count = count_calls(tool, first);
        REQUIRE(count > 10);
        unsigned left_behind = 0;
        for (unsigned i = 0; i < count; ++i) {
            for (const int signal : {SIGINT, SIGKILL}) {
                CAPTURE(nameless);
                CAPTURE(i);
                CAPTURE(signal);
                bool exists = false;
                const Outcome end = interrupt(tool, first + i, signal, exists);
                CHECK(end.signal == signal);
                // Between making a file and removing its name nothing can be done about SIGKILL.
                if (signal == SIGKILL && exists) {
                    REQUIRE(here.names().size() == 1);
                    std::filesystem::remove(here / here.names().front());
                    ++left_behind;
                }
                CHECK(here.names().empty());
            }
        }
        // In the call that removes the name, and in none between.
        CHECK((left_behind == (nameless ? 0U : 1U) || (is_sanitized && !nameless)));
    }
}

TEST_CASE("ended in the middle of each kind of access, probe leaves nothing behind") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Workspace here;
    for (const aioxx::Opcode opcode :
         {aioxx::Opcode::read, aioxx::Opcode::write, aioxx::Opcode::fsync}) {
        for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
            CAPTURE(static_cast<int>(opcode));
            CAPTURE(signal);
            unsigned count = 0;
            Tool tool{{"probe", here.path()}};
            tool.before_exec = refuse_nameless_files;
            const Outcome end = tool.trace([&](const Stop& stop) {
                // The first ones are there to see which there are. Of syncs there are 32 more at
                // the least, where each takes long.
                if (!submits(stop, opcode) || ++count < 30) {
                    return Then::go_on;
                }
                ::kill(stop.pid, signal);
                return Then::let_go;
            });
            CAPTURE(count);
            CAPTURE(end.status);
            CAPTURE(end.errors);
            CHECK(end.signal == signal);
            CHECK(here.names().empty());
        }
    }
}
