// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/duplicate_table.hpp"

#include "posix/fork_gate.hpp"

#include "child.hpp"
#include "descriptors.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::Duplicate;
using posix::DuplicateTable;
using posix::ForkGate;

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

std::string path_of(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

TEST_CASE("what is not open has no duplicate, and is not opened anew") {
    DuplicateTable table;
    const int none = closed_descriptor();
    CHECK(table.make(none) == nullptr);
    CHECK(table.open_anew(path_of(none).c_str(), O_RDONLY) == nullptr);
}

TEST_CASE("a file that is opened anew has flags of its own") {
    DuplicateTable table;
    const Pipe pipe;
    Duplicate* const opened = table.open_anew(path_of(pipe.writer).c_str(), O_WRONLY | O_NONBLOCK);
    REQUIRE(opened != nullptr);
    const int number = opened->fd;
    CHECK((::fcntl(number, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(pipe.writer, F_GETFL) & O_NONBLOCK) == 0);
    CHECK(DuplicateTable::confirm(*opened));
    const ChildEnd end = run_in_child([&] {
        table.close_inherited();
        return ::fcntl(number, F_GETFD) < 0 ? 0 : 1;
    });
    CHECK(end.status == 0);
    table.close(*opened);
    CHECK(::fcntl(number, F_GETFD) < 0);
}

TEST_CASE("what is opened anew takes nothing of the share of the duplicates") {
    const ChildEnd end = run_in_child([] {
        const rlimit numbers{64, 64};
        const Pipe pipe;
        if (::setrlimit(RLIMIT_NOFILE, &numbers) != 0) {
            return 1;
        }
        DuplicateTable table;
        std::vector<Duplicate*> made;
        for (int i = 0; i < 3; ++i) {
            Duplicate* const opened =
                table.open_anew(path_of(pipe.reader).c_str(), O_RDONLY | O_NONBLOCK);
            if (opened == nullptr) {
                return 2;
            }
            made.push_back(opened);
        }
        for (int i = 0; i < 4; ++i) {
            made.push_back(table.make(pipe.reader));
            if (made.back() == nullptr) {
                return 3;
            }
        }
        if (table.make(pipe.reader) != nullptr) {
            return 4;
        }
        table.close(*made.front());
        if (table.make(pipe.reader) != nullptr) {
            return 5;
        }
        table.close(*made.back());
        return table.make(pipe.reader) != nullptr ? 0 : 6;
    });
    CHECK(end.status == 0);
}

TEST_CASE("while a thread forks nothing is made, and said to be had later") {
    DuplicateTable table;
    const Pipe pipe;
    ForkGate::close();
    CHECK(table.make(pipe.reader) == nullptr);
    CHECK(table.open_anew(path_of(pipe.reader).c_str(), O_RDONLY) == nullptr);
    CHECK(errno == EAGAIN);
    ForkGate::close(); // another thread
    ForkGate::open();
    CHECK(table.make(pipe.reader) == nullptr);
    ForkGate::open();
    Duplicate* const made = table.make(pipe.reader);
    REQUIRE(made != nullptr);
    table.close(*made);
}

TEST_CASE("a child has none open, however many are made and closed while its parent forks") {
    DuplicateTable table;
    const Pipe pipe;
    struct stat file {};
    REQUIRE(::fstat(pipe.reader, &file) == 0);
    std::atomic<bool> ends{false};
    std::thread maker{[&] {
        const std::string path = path_of(pipe.reader);
        while (!ends) {
            Duplicate* const duplicate = table.make(pipe.reader);
            Duplicate* const opened = table.open_anew(path.c_str(), O_RDONLY);
            for (Duplicate* const one : {duplicate, opened}) {
                if (one != nullptr) {
                    table.close(*one);
                }
            }
        }
    }};
    int open_in_child = 0;
    for (int round = 0; round < 300; ++round) {
        ForkGate::close();
        const ChildEnd end = run_in_child([&] {
            table.close_inherited();
            int count = 0;
            for (int fd = 3; fd < 1100; ++fd) {
                struct stat other {};
                count += fd != pipe.reader && fd != pipe.writer && ::fstat(fd, &other) == 0 &&
                                 other.st_dev == file.st_dev && other.st_ino == file.st_ino
                             ? 1
                             : 0;
            }
            return count;
        });
        ForkGate::open();
        open_in_child += end.status;
    }
    ends = true;
    maker.join();
    CHECK(open_in_child == 0);
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
