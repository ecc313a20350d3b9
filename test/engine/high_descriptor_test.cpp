// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A program goes by its lowest free descriptor, and finds it where it would be without an engine.

#include "engine/alarm.hpp"
#include "engine/high_descriptor.hpp"

#include "child.hpp"
#include "descriptors.hpp"
#include "running_engine.hpp"

#include <filesystem>
#include <memory>

#include <sys/resource.h>

namespace aioxx::test {
namespace {

std::size_t count_above(int first) {
    return open_from(first).size();
}

/// Has an engine open each descriptor that it ever opens: 0, or the number of what went wrong.
int use_each(int high_from) {
    const TemporaryFile content{"abc"};
    const File file = File::borrow(content);
    const Terminal terminal; // neither RWF_NOWAIT nor POLL
    const File tty = File::borrow(terminal.slave);
    const int lowest = lowest_free_descriptor();
    const std::size_t before = count_above(high_from);
    {
        Engine::Options options;
        options.high_descriptors = true;
        options.event_fd = true;
        options.event_fd_blocks = true; // as in the POSIX layer
        RunningEngine engine{options};
        if (lowest_free_descriptor() != lowest || count_above(high_from) != before + 2) {
            return 1;
        }
        Transfer write{"abcdefgh"};
        write.request.flags = RwFlags::append;
        engine.begin(write, Kind::write, file);
        if (lowest_free_descriptor() != lowest || count_above(high_from) != before + 2) {
            return 2; // a worker needs none
        }
        if (engine.next().result != 8) {
            return 3;
        }
        Transfer read;
        engine.begin(read, Kind::read, tty);
        if (engine.completed_now() != nullptr || lowest_free_descriptor() != lowest ||
            count_above(high_from) != before + 4) {
            return 4; // the epoll descriptor, and the terminal once more, nonblocking
        }
        if (::write(terminal.master, "x\n", 2) != 2 || engine.next().result != 2) {
            return 5;
        }
        if (lowest_free_descriptor() != lowest || count_above(high_from) != before + 3) {
            return 6; // the epoll descriptor stays
        }
    }
    return lowest_free_descriptor() == lowest && count_above(high_from) == before ? 0 : 7;
}

TEST_CASE("an engine with high descriptors leaves the lowest free number where it was") {
    CHECK(use_each(1000) == 0);
}

TEST_CASE("and where a process may have 64 descriptors, some of them at the top") {
    for (const int taken : {0, 6, 8, 20}) {
        CAPTURE(taken);
        const ChildEnd end = run_in_child([taken] {
            const rlimit few{64, 64};
            ::setrlimit(RLIMIT_NOFILE, &few);
            for (int i = 0; i < taken; ++i) {
                if (::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 63 - i) != 63 - i) {
                    return 100;
                }
            }
            return use_each(30);
        });
        CHECK(end.status == 0);
    }
}

TEST_CASE("where no higher number is free the engine has what there is") {
    const ChildEnd end = run_in_child([] {
        const rlimit few{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &few);
        const int lowest = lowest_free_descriptor();
        std::vector<Descriptor> taken;
        for (int fd = 0; (fd = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, lowest + 2)) >= 0;) {
            taken.emplace_back(fd);
        }
        Engine::Options options;
        options.high_descriptors = true;
        options.event_fd = true;
        options.event_fd_blocks = true;
        RunningEngine engine{options};
        return engine->event_fd() <= lowest + 1 ? 0 : 1;
    });
    CHECK(end.status == 0);
}

TEST_CASE(
    "a descriptor that is moved up is the same open file, close-on-exec; its number is free") {
    const Pipe pipe;
    const int low = ::fcntl(pipe.reader, F_DUPFD_CLOEXEC, 0);
    const Descriptor high{engine::move_high(low)};
    CHECK(high >= 1000);
    CHECK(::fcntl(low, F_GETFD) == -1);
    CHECK(::fcntl(high, F_GETFD) == FD_CLOEXEC);
    pipe.fill("x");
    char byte = 0;
    CHECK(::read(high, &byte, 1) == 1);
    CHECK(engine::move_high(-1) == -1);
}

TEST_CASE("an alarm leaves a number alone that it has closed") {
    const Pipe pipe;
    std::unique_ptr<engine::Alarm> alarm = engine::Alarm::make(false);
    REQUIRE(alarm != nullptr);
    const int number = alarm->fd;
    alarm->close();
    const Descriptor strangers{::fcntl(pipe.reader, F_DUPFD_CLOEXEC, number)};
    REQUIRE(strangers == number);
    alarm.reset();
    CHECK(::fcntl(number, F_GETFD) >= 0);
}

TEST_CASE("without that option the engine's descriptors are as any others") {
    const int lowest = lowest_free_descriptor();
    Engine::Options options;
    options.event_fd = true;
    RunningEngine engine{options};
    CHECK(engine->event_fd() == lowest + 1);
}

} // namespace
} // namespace aioxx::test
