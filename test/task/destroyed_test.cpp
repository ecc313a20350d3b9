// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Coroutines whose frames go while they wait.
#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"
#include "task/foreign.hpp"

#include <array>
#include <chrono>
#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <poll.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

/// A file that does not answer until its gate is opened.
struct Silent {
    FuseServer server;
    aioxx::File file{aioxx::File::open(server.file("gate").c_str(), O_RDWR | O_DIRECT)};

    Silent() { server.close_gate(); }
    ~Silent() { server.open_gate(); }
};

Foreign polls(aioxx::Queue& queue, const aioxx::File& file, unsigned& resumed) {
    static_cast<void>(co_await queue.poll(file, POLLIN).completion());
    ++resumed;
}

Foreign reads(aioxx::Queue& queue, const aioxx::File& file, unsigned& resumed) {
    std::array<std::byte, 4096> memory{};
    static_cast<void>(co_await queue.read(file, memory, 0).within(1h).completion());
    ++resumed;
}

Foreign reads_borrowed(aioxx::Queue& queue, const aioxx::File& file, unsigned& resumed) {
    alignas(4096) std::array<std::byte, 4096> memory;
    static_cast<void>(co_await queue.read(file, memory, 0).completion());
    resumed += memory[0] == std::byte{0} ? 1U : 2U;
}

/// Waits until it is resumed by hand.
struct ByHand {
    std::coroutine_handle<>& place;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { place = waiter; }
    void await_resume() const noexcept {}
};

/// Counts the ends of frames.
struct Frame {
    unsigned& gone;
    ~Frame() { ++gone; }
};

aioxx::Task<> sleeps_for_ever(aioxx::Queue& queue, unsigned& gone) {
    const Frame frame{gone};
    for (;;) {
        static_cast<void>(co_await queue.sleep_for(1h).completion());
    }
}

aioxx::Task<> sleeps_once(aioxx::Queue& queue, unsigned& rounds, unsigned& gone) {
    const Frame frame{gone};
    static_cast<void>(co_await queue.sleep_for(1h).completion());
    ++rounds;
}

aioxx::Task<> waits_by_hand(std::coroutine_handle<>& place, unsigned& rounds, unsigned& gone) {
    const Frame frame{gone};
    co_await ByHand{place};
    ++rounds;
}

aioxx::Task<> conditional(aioxx::Queue& queue, bool& ran) {
    if ((co_await queue.sleep_for(0ns).completion()).error()) {
        co_return;
    }
    ran = true;
}

} // namespace

TEST_CASE("a coroutine that is destroyed while it waits gives its operation up") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    unsigned resumed = 0;
    {
        const Foreign waits = polls(queue, pipe.reader, resumed);
        queue.run_ready();
        CHECK(queue.outstanding() == 1);
    }
    queue.run(); // which ends: nothing makes the pipe ready
    CHECK(resumed == 0);
    CHECK(queue.outstanding() == 0);
}

TEST_CASE("a coroutine that is destroyed while a disk has its copy is not waited for") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    aioxx::Queue queue;
    unsigned resumed = 0;
    {
        const Foreign waits = reads(queue, silent->file, resumed);
        silent->server.await_waiting(1);
    }
    queue.run();
    CHECK(queue.quarantined() == 1);
    silent->server.open_gate();
    CHECK(queue.close_for(1h).quarantined == 0);
    CHECK(resumed == 0);
}

TEST_CASE("a coroutine that is destroyed while a disk has its memory waits for the disk") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    aioxx::Queue queue;
    unsigned resumed = 0;
    Outcomes outcomes{1};
    std::thread opener;
    {
        const Foreign waits = reads_borrowed(queue, silent->file, resumed);
        silent->server.await_waiting(1);
        queue.post([] {});
        queue.sleep_for(0ns).start(outcomes.at(0));
        opener = std::thread{[&silent] { silent->server.open_gate(); }};
    }
    opener.join();
    CHECK(outcomes.all() == 0); // nothing is delivered in there
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(resumed == 0);
    CHECK(queue.quarantined() == 0);
}

TEST_CASE("what has completed when its coroutine is destroyed is told to none") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    unsigned resumed = 0;
    {
        std::optional<Foreign> waits;
        queue.sleep_for(0ns).start([&](auto&) { waits.reset(); });
        waits.emplace(polls(queue, pipe.reader, resumed));
        pipe.fill("x");
        queue.run();
    }
    CHECK(resumed <= 1);
    CHECK(queue.outstanding() == 0);
}

TEST_CASE("a task that waits in two queues goes with the first that closes") {
    for (const bool own_first : {true, false}) {
        unsigned gone = 0;
        unsigned rounds = 0;
        std::optional<aioxx::Queue> own{std::in_place};
        std::optional<aioxx::Queue> other{std::in_place};
        const auto both = [](aioxx::Queue& one, aioxx::Queue& two, unsigned& ends,
                             unsigned& count) -> aioxx::Task<> {
            co_await aioxx::when_all(sleeps_for_ever(one, ends), sleeps_once(two, count, ends));
        };
        aioxx::spawn(*own, both(*own, *other, gone, rounds));
        if (own_first) {
            static_cast<void>(own->close_for(1h));
            CHECK(gone == 2);
            own.reset();
            other->run(); // what was given up is told to none
            CHECK(rounds == 0);
        } else {
            other.reset(); // tells that half, which ends
            CHECK(rounds == 1);
            own.reset();
        }
        CHECK(gone == 2);
    }
}

TEST_CASE("close() leaves a task that something else may still resume") {
    unsigned gone = 0;
    unsigned rounds = 0;
    std::coroutine_handle<> place;
    {
        aioxx::Queue queue;
        const auto both = [](aioxx::Queue& on, std::coroutine_handle<>& at, unsigned& count,
                             unsigned& ends) -> aioxx::Task<> {
            co_await aioxx::when_all(sleeps_for_ever(on, ends), waits_by_hand(at, count, ends));
        };
        aioxx::spawn(queue, both(queue, place, rounds, gone));
        static_cast<void>(queue.close_for(1h));
        CHECK(gone == 0);
        REQUIRE(place);
        place.resume();
        CHECK(rounds == 1);
        CHECK(gone == 1);
        static_cast<void>(queue.close_for(1h)); // nothing else resumes it any more
        CHECK(gone == 2);
    }
    CHECK(gone == 2);
}

TEST_CASE("a task of which the compiler has made nothing is named, and does not wait for ever") {
    SKIP_UNDER_VALGRIND("a frame that the compiler loses is a leak there");
#ifdef __SANITIZE_ADDRESS__
    const __lsan::ScopedDisabler its_frame_is_lost; // the body that would free it is dropped, too
#endif
    aioxx::Queue queue;
    bool ran = false;
    std::string text;
    try {
        aioxx::run(queue, conditional(queue, ran));
    } catch (const std::logic_error& error) {
        text = error.what(); // g++ 12
    }
    CHECK(ran != (text.find("awaits nothing") != std::string::npos));
    text.clear();
    ran = false;
    aioxx::spawn(queue, conditional(queue, ran));
    try {
        queue.run();
    } catch (const std::logic_error& error) {
        text = error.what();
    }
    CHECK(ran != (text.find("awaits nothing") != std::string::npos));
}
