// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/block_devices.hpp"
#include "devices/mounts.hpp"
#include "programs/program.hpp"
#include "skip.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace aioxx::test;

namespace {

using Lines = std::vector<std::string>;

Lines in_log(const std::string& log) {
    Program program{{"read", log}};
    Lines lines = program.read_lines();
    CHECK(program.wait().status == 0);
    return lines;
}

/// The first promises of a program that goes on to append.
Lines some_promises(Program& program, std::size_t count) {
    Lines promised;
    for (std::string line; promised.size() < count && program.read_line(line);) {
        promised.push_back(line);
    }
    return promised;
}

/// Numbered from 1 on, without a gap, and each writer's records in their order.
void check_order(const Lines& lines) {
    std::size_t number = 0;
    std::map<std::string, unsigned long> last;
    bool in_order = true;
    for (const std::string& line : lines) {
        unsigned long shown = 0;
        unsigned long writer = 0;
        unsigned long record = 0;
        in_order = in_order && std::sscanf(line.c_str(), "%lu: writer %lu, record %lu", &shown,
                                           &writer, &record) == 3;
        in_order = in_order && shown == ++number;
        // With each start of the program its writers count from 1 again.
        unsigned long& before = last[std::to_string(writer)];
        in_order = in_order && (record == before + 1 || record == 1);
        before = record;
    }
    CHECK(in_order);
}

/// How many of `promised` are not in `lines`, which both are in the order of their numbers: a line
/// of number n is the n-th.
std::size_t lost(const Lines& promised, const Lines& lines) {
    return static_cast<std::size_t>(
        std::count_if(promised.begin(), promised.end(), [&](const std::string& line) {
            const unsigned long number = std::strtoul(line.c_str(), nullptr, 10);
            return number == 0 || number > lines.size() || lines[number - 1] != line;
        }));
}

unsigned long rounds(const char* variable, unsigned long otherwise) {
    const char* const value = std::getenv(variable);
    return value != nullptr ? std::strtoul(value, nullptr, 10) : otherwise;
}

} // namespace

TEST_CASE("what the log has promised is in it, however often its writers are killed") {
    const TemporaryDirectory here;
    std::string log = here.file("log");
    std::mt19937 random{1};
    Lines promised;
    std::size_t kept = 0;
    for (unsigned long round = 0; round < rounds("AIOXX_KILLS", 100); ++round) {
        Program program{{"append", log, std::to_string(1 + random() % 20), "1000000"}};
        const Lines first = some_promises(program, random() % 30);
        program.kill();
        const Lines others = program.read_lines(); // that it has printed meanwhile
        CHECK(program.wait().signal == SIGKILL);
        promised.insert(promised.end(), first.begin(), first.end());
        promised.insert(promised.end(), others.begin(), others.end());
        const Lines lines = in_log(log);
        CHECK(lost(promised, lines) == 0);
        CHECK(lines.size() >= kept); // what has been read once stays
        kept = lines.size();
        check_order(lines);
        if (kept > 10'000) { // half full. One that is killed has promised 3000 at most: see pipe(7)
            log += '+';
            promised.clear();
            kept = 0;
        }
    }
}

TEST_CASE("a power cut takes nothing that the log has promised") {
    auto disk = attempt<LoopDevice>(64 * mebibyte);
    if (!disk) {
        SKIP_CASE(disk.reason());
    }
    Lines promised;
    static_cast<void>(FileSystem("ext4", disk->path())); // made, and unmounted
    for (unsigned round = 0; round < 4; ++round) {
        {
            const Mount mounted{"-t ext4 " + disk->path()};
            const std::string log = mounted.file("log");
            if (round > 0) {
                const Lines lines = in_log(log);
                CHECK(lost(promised, lines) == 0);
                check_order(lines);
            }
            Program program{{"append", log, "20", "1000000"}};
            const Lines first = some_promises(program, 200);
            CHECK(first.size() == 200);
            const int directory = ::open(mounted.path().c_str(), O_RDONLY | O_CLOEXEC);
            const unsigned how = 2; // what is in memory stays there: EXT4_GOING_FLAGS_NOLOGFLUSH
            CHECK(::ioctl(directory, _IOR('X', 125, unsigned), &how) == 0);
            ::close(directory);
            const Lines others = program.read_lines(); // until a write fails
            CHECK(program.wait().status == 1);
            promised.insert(promised.end(), first.begin(), first.end());
            promised.insert(promised.end(), others.begin(), others.end());
        }
    }
}

TEST_CASE("what lies behind a gap of the log never comes back") {
    const TemporaryDirectory here;
    const std::string log = here.file("log");
    for (int round = 0; round < 3; ++round) { // of one record each, as long as the others
        Program program{{"append", log, "1", "1"}};
        CHECK(program.read_lines().size() == 1);
        CHECK(program.wait().status == 0);
    }
    const std::string record = "writer 1, record 1";
    const std::streamoff size = 24 + 24; // of each
    std::fstream file{log, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(size + 24);
    file << 'W' << std::flush; // the second is not what it was
    CHECK(in_log(log) == Lines{"1: " + record});
    Program program{{"append", log, "1", "1"}};
    CHECK(program.read_lines() == Lines{"2: " + record});
    CHECK(program.wait().status == 0);
    CHECK(in_log(log) == Lines{"1: " + record, "2: " + record});
}

TEST_CASE("a log that is full takes no more, and keeps what it has") {
    const TemporaryDirectory here;
    const std::string log = here.file("log");
    Program program{{"append", log, "50", "1000000"}};
    const Lines promised = program.read_lines();
    CHECK(program.wait().status == 1);
    CHECK(promised.size() > 15'000); // of 48 or 56 bytes in 1 MiB
    const Lines lines = in_log(log);
    CHECK(lost(promised, lines) == 0);
    check_order(lines);
}
