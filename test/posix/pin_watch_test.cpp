// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Pinned files that are waited for.

#include "descriptors.hpp"
#include "eventually.hpp"
#include "posix/pin_loop.hpp"

#include <cerrno>
#include <cstdint>

#include <sys/epoll.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::Pin;

struct Epoll {
    /// The data of the event that comes, or 0 when none is there.
    [[nodiscard]] std::uint64_t next(int wait = 0) const {
        struct epoll_event event {};
        return ::epoll_wait(fd, &event, 1, wait) == 1 ? event.data.u64 : 0;
    }
    [[nodiscard]] std::uint64_t await() const { return next(30'000); }

    Descriptor fd{::epoll_create1(EPOLL_CLOEXEC)};
};

TEST_CASE("a pinned file is watched by the program's epoll descriptor until it is released") {
    PinLoop pins;
    const Epoll epoll;
    Pipe pipe;
    const Descriptor reader{::dup(pipe.reader)}; // stays open
    Pin& pin = pins.pin(pipe.reader);
    pipe.reader.close();
    CHECK(pins.table.watch(pin, epoll.fd, EPOLLIN | EPOLLONESHOT, 7) == 0);
    CHECK(epoll.next() == 0);
    pipe.fill("x");
    CHECK(epoll.await() == 7);
    CHECK(epoll.next() == 0);
    CHECK(pins.table.watch(pin, epoll.fd, EPOLLIN | EPOLLONESHOT, 9) == 0); // anew
    CHECK(epoll.await() == 9);
    CHECK(pins.table.watch(pin, epoll.fd, EPOLLIN, 11) == 0);
    pins.table.release_and_wait(pin);
    CHECK(epoll.next() == 0);
    CHECK_FALSE(pins.table.take_unwatchable());
}

TEST_CASE("a file that cannot be watched is told by its pin, and the engine is woken") {
    PinLoop pins;
    const Epoll epoll;
    const TemporaryFile content{"text"};
    Pin& pin = pins.pin(content);
    CHECK(pins.table.watch(pin, epoll.fd, EPOLLIN, 1) == 0);
    CHECK(becomes_readable(pins.loop.events.fd()));
    CHECK(eventually([&] { return pin.unwatchable == EPERM; }));
    CHECK(pins.table.take_unwatchable());
    CHECK_FALSE(pins.table.take_unwatchable());
    pins.table.release_and_wait(pin);
    Pin& other = pins.pin(content); // the same one, forgetful
    CHECK(&other == &pin);
    CHECK(other.unwatchable == 0);
    pins.table.release_and_wait(other);
}

TEST_CASE("files are watched again by workers that came after an idle time") {
    PinLoop pins{{.idle = std::chrono::milliseconds{1}}};
    const Epoll epoll;
    for (std::uint64_t round = 1; round < 5; ++round) {
        Pipe pipe;
        pipe.fill("x");
        Pin& pin = pins.pin(pipe.reader);
        CHECK(pins.table.watch(pin, epoll.fd, EPOLLIN, round) == 0);
        CHECK(epoll.await() == round);
        pins.table.release_and_wait(pin);
        CHECK(eventually([&] { return !pins.loop.pool.running(); }));
    }
}

TEST_CASE("a pin that is watched over and over is not watched after its release") {
    PinLoop pins;
    const Epoll epoll;
    Pipe pipe;
    pipe.fill("x");
    for (std::uint64_t round = 0; round < 300; ++round) {
        Pin& pin = pins.pin(pipe.reader);
        for (std::uint64_t i = 0; i < round % 4; ++i) {
            CHECK(pins.table.watch(pin, epoll.fd, EPOLLIN, round) == 0);
        }
        pins.table.release_and_wait(pin);
        CHECK(epoll.next() == 0);
    }
}

} // namespace
} // namespace aioxx::test
