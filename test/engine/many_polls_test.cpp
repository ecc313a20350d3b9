// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Many polls on one file: what each of them costs.

#include "descriptors.hpp"
#include "engine/engine.hpp"

#include <aioxx/aioxx.hpp>

#include <deque>
#include <system_error>

#include <poll.h>
#include <sys/epoll.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

/// Counts how often it has to be registered, which is what a walk over its polls is made for.
class CountedFile final : public engine::OpenFile {
public:
    explicit CountedFile(int number) : OpenFile(File::borrow(number)) {}

    void keep() noexcept override {}
    void release() noexcept override {}
    int prepare_for_worker(engine::Operation& /*operation*/) noexcept override { return 0; }
    int watch(int epoll, std::uint32_t events, std::uint64_t data) noexcept override {
        struct epoll_event registration {};
        registration.events = events;
        registration.data.u64 = data;
        const int what = watches++ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        return ::epoll_ctl(epoll, what, fd, &registration) == 0 ? 0 : errno;
    }
    void unwatch(int epoll) noexcept override { ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr); }
    void retire() noexcept override {}

    std::size_t watches = 0;
};

TEST_CASE("polls beyond the slots do not register their file again for what it is registered for") {
    constexpr std::size_t count = 1000;
    const Pipe pipe;
    CountedFile file{pipe.reader};
    std::deque<engine::Operation> polls(count);
    std::error_code error;
    engine::Engine engine{engine::Engine::Options{}, error};
    REQUIRE(!error);
    engine.add(file);
    const auto start = [&](engine::Operation& poll, std::uint32_t events) {
        poll.request.kind = engine::Kind::poll;
        poll.request.bits = events;
        poll.file = &file;
        engine.start(poll);
        engine.flush();
    };
    for (engine::Operation& poll : polls) {
        start(poll, POLLIN);
    }
    CHECK(file.watches == 1);
    CHECK(engine.in_kernel() < count); // most wait by epoll
    engine::Operation other;
    start(other, POLLPRI); // one more, for something else
    CHECK(file.watches == 2);
    pipe.fill("x");
    std::size_t ended = 0;
    while (ended < count) {
        engine.reap();
        engine.flush();
        while (const engine::Operation* const poll = engine.take()) {
            CHECK(poll->result == POLLIN);
            ++ended;
        }
        if (ended < count) {
            engine.wait(nullptr, error);
        }
    }
    CHECK(file.watches == 3); // for the one that waits on
    CHECK(engine.cancel(other) == Cancellation::cancelled);
    CHECK(engine.take() == &other);
}

} // namespace
} // namespace aioxx::test
