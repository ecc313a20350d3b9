// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/files.hpp"

#include <chrono>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_CASE("sleeps end in the order of their times, and not before them") {
    aioxx::Queue queue;
    const Clock::time_point start = Clock::now();
    std::vector<int> order;
    bool early = false;
    for (const int i : {5, 1, 4, 2, 3}) {
        const Clock::time_point until = start + i * 2ms;
        queue.sleep_until(until).start([&, i, until](const aioxx::Completion& done) {
            early = early || Clock::now() < until;
            CHECK(done.result() == 0);
            order.push_back(i);
        });
    }
    queue.run();
    CHECK(order == std::vector<int>{1, 2, 3, 4, 5});
    CHECK_FALSE(early);
}

TEST_CASE("a sleep whose time has passed ends at once, and so does one of no length") {
    aioxx::Queue queue;
    Outcomes outcomes{3};
    queue.sleep_until(Clock::time_point{}).start(outcomes.at(0));
    queue.sleep_for(0ns).start(outcomes.at(1));
    queue.sleep_for(-1h).start(outcomes.at(2));
    queue.run();
    CHECK(outcomes.once_each());
}

TEST_CASE("a thousand sleeps and cancels among them leave each its own end") {
    aioxx::Queue queue;
    constexpr std::size_t count = 1000;
    Outcomes outcomes{count};
    std::vector<aioxx::OperationId> ids;
    for (std::size_t i = 0; i < count; ++i) {
        const auto span = i % 3 == 0 ? std::chrono::nanoseconds{1h}
                                     : std::chrono::nanoseconds{(i * 7919) % 5000 * 1000};
        ids.push_back(queue.sleep_for(span).start(outcomes.at(i)));
    }
    for (std::size_t i = 0; i < count; i += 3) {
        CHECK(queue.cancel(ids[i]) == aioxx::Cancellation::cancelled);
    }
    queue.run();
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(outcomes[i] == (i % 3 == 0 ? -ECANCELED : 0));
    }
}

TEST_CASE("a deadline ends a poll, a waiting read and a wait for room with timed_out") {
    aioxx::Queue::Options options;
    options.limit = 2;
    aioxx::Queue queue{options};
    const Ends pipe = make_pipe();
    aioxx::AlignedBuffer buffer{512, 512};
    Outcomes outcomes{3};
    queue.poll(pipe.reader, POLLIN).within(1ms).start(outcomes.at(0));
    queue.read(pipe.reader, buffer, 0).within(2ms).start(outcomes.at(1));
    queue.wait_for_capacity().until(Clock::time_point{}).start(outcomes.at(2));
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == -ETIMEDOUT);
    CHECK(outcomes[1] == -ETIMEDOUT);
    CHECK(outcomes[2] == -ETIMEDOUT);
    CHECK(queue.statistics().timed_out == 3);
    pipe.fill("later");
    std::string got;
    queue.read(pipe.reader, buffer, 0).within(1h).start([&](const aioxx::Completion& done) {
        got = text_of(buffer.first(done.bytes()));
    });
    queue.run();
    CHECK(got == "later"); // the read that was given up has taken nothing
}

TEST_CASE("a deadline that is not reached changes nothing") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "content");
    Outcomes outcomes{2};
    aioxx::AlignedBuffer buffer{4096, 4096};
    queue.read(file, buffer, 0).within(1h).start(outcomes.at(0));
    queue.fsync(file).within(1h).start(outcomes.at(1));
    queue.run();
    CHECK(outcomes[0] == 7);
    CHECK(outcomes[1] == 0);
    CHECK(queue.statistics().timed_out == 0);
}

TEST_CASE("a passed deadline does not take what has completed") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    unsigned ends = 0;
    for (unsigned i = 0; i < 200; ++i) {
        queue.read(file, buffer, 0).within(0ns).start([&](const aioxx::Completion& done) {
            CHECK((done.result() == 4096 || done.timed_out()));
            ++ends;
        });
        queue.run();
    }
    CHECK(ends == 200);
}

TEST_CASE("the longest of all sleeps and deadlines do not end") {
    for (const bool event_fd : {false, true}) {
        aioxx::Queue::Options options;
        options.use_event_fd = event_fd;
        aioxx::Queue queue{options};
        const Ends pipe = make_pipe();
        aioxx::AlignedBuffer buffer{512, 512};
        Outcomes outcomes{5};
        queue.sleep_for(std::chrono::nanoseconds::max()).start(outcomes.at(0));
        queue.sleep_for(std::chrono::nanoseconds::max() - 1ns).start(outcomes.at(1));
        queue.sleep_until(Clock::time_point::max()).start(outcomes.at(2));
        queue.read(pipe.reader, buffer, 0)
            .within(std::chrono::nanoseconds::max())
            .start(outcomes.at(3));
        queue.poll(pipe.reader, POLLIN)
            .within(std::chrono::nanoseconds::max())
            .start(outcomes.at(4));
        queue.run_ready();
        CHECK(outcomes.all() == 0);
        queue.sleep_for(1ms).start([&](const aioxx::Completion&) { queue.stop(); });
        queue.run();
        CHECK(outcomes.all() == 0);
        static_cast<void>(queue.close(Clock::time_point::max()));
        CHECK(outcomes.once_each());
        for (std::size_t i = 0; i < 5; ++i) {
            CHECK(outcomes[i] == -ECANCELED);
        }
    }
}

TEST_CASE("times before the clock's beginning have passed") {
    for (const bool event_fd : {false, true}) {
        aioxx::Queue::Options options;
        options.use_event_fd = event_fd;
        aioxx::Queue queue{options};
        const Ends pipe = make_pipe();
        Outcomes outcomes{5};
        queue.sleep_for(std::chrono::nanoseconds::min()).start(outcomes.at(0));
        queue.sleep_until(Clock::time_point::min()).start(outcomes.at(1));
        queue.sleep_until(Clock::time_point{}).start(outcomes.at(2));
        queue.poll(pipe.reader, POLLIN)
            .within(std::chrono::nanoseconds::min())
            .start(outcomes.at(3));
        queue.sleep_for(0ns).start([&](const aioxx::Completion&) {
            queue.sleep_until(Clock::time_point::min()).start(outcomes.at(4));
        });
        queue.run();
        CHECK(outcomes.once_each());
        CHECK(outcomes[3] == -ETIMEDOUT);
        const Ends other = make_pipe();
        queue.poll(other.reader, POLLIN).start([](auto&) {});
        CHECK(queue.close(Clock::time_point::min()).quarantined == 0);
    }
}

TEST_CASE("a sleep until the clock's beginning wakes an event loop") {
    aioxx::Queue::Options options;
    options.use_event_fd = true;
    aioxx::Queue queue{options};
    bool slept = false;
    queue.sleep_until(Clock::time_point{}).start([&](const aioxx::Completion&) { slept = true; });
    pollfd readable{queue.event_fd(), POLLIN, 0};
    CHECK(::poll(&readable, 1, 10'000) == 1);
    while (!slept && ::poll(&readable, 1, 10'000) == 1) {
        queue.run_ready();
    }
    CHECK(slept);
}
