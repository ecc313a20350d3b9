// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
//
// What a debugger shows of a queue in a stopped process. SCRIPT and PROGRAM are paths.

#include "skip.hpp"

#include <cstdio>
#include <cstdlib>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

namespace {

/// What gdb prints. `commands` are given as the program stands still, in the function `where`.
std::string debug(const std::string& where, const std::vector<std::string>& commands) {
    std::string line = "timeout -s KILL 120 gdb -batch -nx -iex 'set auto-load no'"
                       " -iex 'set debuginfod enabled off' -ex 'source " SCRIPT "' -ex 'break " +
                       where + "' -ex run";
    for (const std::string& command : commands) {
        line += " -ex '" + command + "'";
    }
    line += " -ex kill " PROGRAM " 2>&1 </dev/null";
    std::string said;
    FILE* const gdb = ::popen(line.c_str(), "r");
    if (gdb == nullptr) {
        return "popen failed";
    }
    for (int next = std::fgetc(gdb); next != EOF; next = std::fgetc(gdb)) {
        said += static_cast<char>(next);
    }
    ::pclose(gdb);
    return said;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// A line of the table, its columns one by one; the age is any.
bool has_line(const std::string& text, const std::vector<std::string>& columns) {
    std::string pattern;
    for (const std::string& column : columns) {
        pattern += column + " +";
    }
    pattern.resize(pattern.size() - 2);
    return std::regex_search(text, std::regex("(^|\n)" + pattern + "\n"));
}

/// Why it cannot be tried here; empty where it can.
std::string missing() {
    if (std::system("gdb -batch -nx -ex 'python print(1)' >/dev/null 2>&1") != 0) {
        return "no gdb, or one without Python";
    }
    const std::string said = debug("here", {"info program"});
    return has(said, "Breakpoint 1, ") ? std::string{} : "gdb stops no program here: " + said;
}

// Builds that lack it leave it out to compile faster; and a sanitizer's memory fits in no core
// file.
#if DEBUG_INFORMATION
#define SKIP_WITHOUT_DEBUG_INFORMATION() static_cast<void>(0)
#else
#define SKIP_WITHOUT_DEBUG_INFORMATION()                                                           \
    do {                                                                                           \
        aioxx::test::skip("no debug information, or a sanitizer's memory", true);                  \
        return;                                                                                    \
    } while (false)
#endif

} // namespace

TEST_CASE("gdb lists what a queue has outstanding, where it is and since when") {
    SKIP_UNDER_VALGRIND("it debugs a program of its own");
    SKIP_WITHOUT_DEBUG_INFORMATION();
    if (const std::string reason = missing(); !reason.empty()) {
        SKIP_CASE(reason.c_str());
    }
    for (const char* name : {"queue", "*queue"}) {
        const std::string said = debug("here", {std::string{"aioxx-outstanding "} + name});
        CAPTURE(said);
        CHECK(has(said, "5 outstanding or in quarantine, aged until now"));
        const std::string age = R"(\d+\.\d{3} s)";
        CHECK(has_line(said, {"read", "100", "0", "10", "0", age, "readiness"}));
        CHECK(has_line(said, {"readv", "100", "0", "9", "0", age, "order"}));
        CHECK(has_line(said, {"sleep", "-", "-", "-", "-", age, "timer"}));
        CHECK(has_line(said, {"sleep", "-", "-", "-", "-", age, "completed"}));
        CHECK(has_line(said, {"wait for capacity", "-", "-", "-", "-", age, "queue"}));
    }
}

TEST_CASE("gdb lists nothing of an idle queue, and says what is no queue") {
    SKIP_UNDER_VALGRIND("it debugs a program of its own");
    SKIP_WITHOUT_DEBUG_INFORMATION();
    if (const std::string reason = missing(); !reason.empty()) {
        SKIP_CASE(reason.c_str());
    }
    const std::string said =
        debug("nowhere", {"aioxx-outstanding queue", "aioxx-outstanding 1", "aioxx-outstanding"});
    CAPTURE(said);
    CHECK(has(said, "0 outstanding or in quarantine"));
    CHECK(has(said, "int is no aioxx::Queue"));
    CHECK(has(said, "aioxx-outstanding QUEUE: an aioxx::Queue, or a pointer to one"));
}

TEST_CASE("gdb lists from a core file what was outstanding when it was written") {
    SKIP_UNDER_VALGRIND("it debugs a program of its own");
    SKIP_WITHOUT_DEBUG_INFORMATION();
    if (const std::string reason = missing(); !reason.empty()) {
        SKIP_CASE(reason.c_str());
    }
    const std::string core = "/var/tmp/aioxx-core-" + std::to_string(::getpid());
    const std::string written = debug("here", {"generate-core-file " + core});
    const std::string said = debug(
        "here", {"kill", "core-file " + core, "frame function here", "aioxx-outstanding queue"});
    std::remove(core.c_str());
    CAPTURE(written);
    CAPTURE(said);
    CHECK(has(said, "5 outstanding or in quarantine, aged until the queue's last pass"));
}
