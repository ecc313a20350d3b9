// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"
#include "programs/program.hpp"
#include "skip.hpp"

#include <cstdio>
#include <string>
#include <vector>

using namespace aioxx::test;

namespace {

/// What each file of the FUSE server has.
std::string expected() {
    std::string bytes(mebibyte, '\0');
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        bytes[at] = static_cast<char>(at / 512);
    }
    return bytes;
}

struct Seen {
    unsigned long reads = 0;
    unsigned long asked_twice = 0;
    unsigned long won_by_second = 0;
    unsigned long failures = 0;
    int status = -1;
};

Seen time_reads(const std::string& copy, const std::string& other, const char* reads) {
    Program program{{"time", copy, other, reads}};
    Seen seen;
    for (const std::string& line : program.read_lines()) {
        std::sscanf(line.c_str(),
                    "%lu reads, %lu asked twice, %lu won by the second copy, %lu failures",
                    &seen.reads, &seen.asked_twice, &seen.won_by_second, &seen.failures);
    }
    seen.status = program.wait().status;
    return seen;
}

} // namespace

TEST_CASE("a copy that hangs is not waited for") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    server->close_gate();
    const std::string plain = server->file("plain");
    Program program{{"cat", server->file("gate"), plain}};
    const std::string out = program.read_all(mebibyte);
    CHECK(out == expected()); // while the gate is closed
    server->open_gate();
    CHECK(program.wait().status == 0);
}

TEST_CASE("what is slow now and then is asked twice, and everything is read right") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const std::string one = server->file("one.slow-3.by-100");
    const std::string other = server->file("other.slow-3.by-100");
    Program program{{"cat", one, other}};
    CHECK(program.read_all(mebibyte) == expected());
    CHECK(program.wait().status == 0);
    const Seen seen = time_reads(one, other, "400");
    CHECK(seen.status == 0);
    CHECK(seen.reads == 400);
    CHECK(seen.won_by_second > 0);
    CHECK(seen.asked_twice >= seen.won_by_second);
    CHECK(seen.failures == 0);
}

TEST_CASE("a copy that fails is made up for, and both fail together") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const std::string broken = server->file("read-error-5");
    Program program{{"cat", broken, server->file("plain")}};
    CHECK(program.read_all(mebibyte) == expected());
    CHECK(program.wait().status == 0);
    CHECK(time_reads(broken, server->file("plain"), "100").failures > 0);
    CHECK(time_reads(broken, server->file("other.read-error-5"), "10").status == 1);
}
