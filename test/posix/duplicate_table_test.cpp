// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/duplicate_table.hpp"

#include "child.hpp"
#include "descriptors.hpp"

#include <algorithm>
#include <vector>

#include <sys/resource.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::Duplicate;
using posix::DuplicateTable;

TEST_CASE("duplicates are high, close-on-exec, and no more than a sixteenth of all numbers") {
    for (const rlim_t limit : {rlim_t{8}, rlim_t{64}, rlim_t{1024}, rlim_t{4096}}) {
        CAPTURE(limit);
        const ChildEnd end = run_in_child([limit] {
            for (int fd = 3; fd < 4096; ++fd) { // of the test program
                ::close(fd);
            }
            const Pipe pipe;
            const rlimit numbers{limit, limit};
            if (::setrlimit(RLIMIT_NOFILE, &numbers) != 0) {
                return 1;
            }
            DuplicateTable table;
            const int lowest = lowest_free_descriptor();
            std::vector<Duplicate*> made;
            while (Duplicate* const one = table.make(pipe.reader)) {
                made.push_back(one);
            }
            if (made.size() != limit / 16 || lowest_free_descriptor() != lowest) {
                return 2;
            }
            for (Duplicate* const one : made) {
                const int fd = one->fd;
                if (static_cast<rlim_t>(fd) < std::min<rlim_t>(limit, 1008) * 15 / 16 ||
                    ::fcntl(fd, F_GETFD) != FD_CLOEXEC || !DuplicateTable::confirm(*one)) {
                    return 3;
                }
                table.close(*one);
                if (::fcntl(fd, F_GETFD) >= 0) {
                    return 4;
                }
            }
            return made.empty() || table.make(pipe.writer) != nullptr ? 0 : 5;
        });
        CHECK(end.status == 0);
    }
}

TEST_CASE("what is not open has no duplicate, and is not taken over") {
    DuplicateTable table;
    CHECK(table.make(closed_descriptor()) == nullptr);
    CHECK(table.adopt(closed_descriptor()) == nullptr);
}

TEST_CASE("a number that was taken over is confirmed and closed as a duplicate is") {
    DuplicateTable table;
    const Pipe pipe;
    const int number = ::fcntl(pipe.writer, F_DUPFD_CLOEXEC, 0);
    Duplicate* const taken = table.adopt(number);
    REQUIRE(taken != nullptr);
    CHECK(taken->fd == number);
    CHECK(DuplicateTable::confirm(*taken));
    const ChildEnd end = run_in_child([&] {
        table.close_inherited();
        return ::fcntl(number, F_GETFD) < 0 ? 0 : 1;
    });
    CHECK(end.status == 0);
    table.close(*taken);
    CHECK(::fcntl(number, F_GETFD) < 0);
}

TEST_CASE("another file in the place of a duplicate is not taken for it, and not closed") {
    DuplicateTable table;
    const Pipe pipe;
    const Pipe strange;
    Duplicate* const duplicate = table.make(pipe.reader);
    REQUIRE(duplicate != nullptr);
    const Descriptor in_place{::dup2(strange.reader, duplicate->fd)};
    CHECK_FALSE(DuplicateTable::confirm(*duplicate));
    table.close(*duplicate);
    CHECK(::fcntl(in_place, F_GETFD) >= 0);
}

TEST_CASE("a duplicate is the same file when its flags have changed") {
    DuplicateTable table;
    const Pipe pipe;
    Duplicate* const duplicate = table.make(pipe.reader);
    REQUIRE(duplicate != nullptr);
    REQUIRE(::fcntl(pipe.reader, F_SETFL, O_NONBLOCK) == 0);
    CHECK(DuplicateTable::confirm(*duplicate));
    table.close(*duplicate);
}

TEST_CASE("a forked child closes its copies, and its parent's stay") {
    DuplicateTable table;
    const Pipe pipe;
    const Pipe programs;
    Duplicate* const kept = table.make(pipe.reader);
    Duplicate* const closed = table.make(pipe.reader);
    Duplicate* const replaced = table.make(pipe.reader);
    REQUIRE(replaced != nullptr);
    const int number = closed->fd;
    table.close(*closed);
    table.close(*replaced);
    const Descriptor in_place{::dup2(programs.writer, replaced->fd)};
    const ChildEnd end = run_in_child([&] {
        // A fork copies the descriptors before the memory: the parent closed it in between.
        if (::dup2(pipe.reader, number) != number) {
            return 1;
        }
        table.close_inherited();
        const bool are_closed = ::fcntl(kept->fd, F_GETFD) < 0 && ::fcntl(number, F_GETFD) < 0;
        return are_closed && ::fcntl(in_place, F_GETFD) >= 0 ? 0 : 2;
    });
    CHECK(end.status == 0);
    CHECK(DuplicateTable::confirm(*kept));
    table.close(*kept);
}

} // namespace
} // namespace aioxx::test
