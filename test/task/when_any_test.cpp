// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"
#include "task/awaiting.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Queue;
using aioxx::Task;
using aioxx::when_any;

namespace {

/// Sleeps until it is told to stop, and then a little longer.
Task<int> stops_slowly(Queue& queue, std::stop_token stop, bool& ended) {
    const aioxx::Completion slept = co_await queue.sleep_for(1h).stopped_by(stop).completion();
    co_await queue.sleep_for(1ms);
    ended = slept.cancelled() && stop.stop_requested();
    co_return 1;
}

Task<int> gives(int value) {
    co_return value;
}

} // namespace

TEST_CASE("when_any gives the first that ends and its value, and gives up the others") {
    Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "some content");
    const Ends silent = make_pipe();
    auto one = aioxx::run(queue, when_any(queue.poll(silent.reader, POLLIN),
                                          queue.read(file, page(), 0), queue.sleep_for(1h)));
    CHECK(one.index == 1);
    const auto& block = std::get<1>(one.value);
    CHECK(text_of(block.buffer.first(block.bytes)) == "some content");
    queue.run(); // which ends
    CHECK(queue.outstanding() == 0);

    auto same = aioxx::run(
        queue, when_any(queue.poll(silent.reader, POLLIN), queue.poll(silent.writer, POLLOUT)));
    CHECK(std::is_same_v<decltype(same), aioxx::Winner<std::uint32_t>>);
    CHECK(same.index == 1);
    CHECK((same.value & POLLOUT) != 0);

    aioxx::Condition condition{queue};
    auto none = aioxx::run(queue, when_any(condition.wait(), queue.sleep_for(0ns)));
    CHECK(std::is_same_v<decltype(none.value), std::tuple<>>);
    CHECK(none.index == 1);
    CHECK(condition.waiting() == 0);
}

TEST_CASE("when_any of a vector gives the place of the winner, and of none is a logic_error") {
    Queue queue;
    const std::array<Ends, 3> pipes{make_pipe(), make_pipe(), make_pipe()};
    pipes[2].fill("x");
    std::vector<decltype(queue.poll(pipes[0].reader, POLLIN))> polls;
    for (const Ends& pipe : pipes) {
        polls.push_back(queue.poll(pipe.reader, POLLIN));
    }
    const auto [index, events] = aioxx::run(queue, when_any(std::move(polls)));
    CHECK(index == 2);
    CHECK(events == POLLIN);
    polls.clear();
    CHECK_THROWS_AS(static_cast<void>(aioxx::run(queue, when_any(std::move(polls)))),
                    std::logic_error);
}

TEST_CASE("of several that have ended at once one wins, and the others are as if never told") {
    Queue queue;
    aioxx::Condition condition{queue};
    aioxx::Semaphore permits{queue, 0};
    unsigned told = 0;
    const auto any = [](Queue& on, aioxx::Condition& told_of,
                        aioxx::Semaphore& given) -> Task<std::size_t> {
        auto winner = co_await when_any(on.sleep_until({}), told_of.wait(), given.acquire(),
                                        on.sleep_for(1h));
        co_return winner.index;
    };
    std::optional<std::size_t> index;
    const auto notes = [any](Queue& on, aioxx::Condition& told_of, aioxx::Semaphore& given,
                             std::optional<std::size_t>& place) -> Task<> {
        place = co_await any(on, told_of, given);
    };
    aioxx::spawn(queue, notes(queue, condition, permits, index));
    condition.wait().start([&told](const aioxx::Completion& done) { told += !done.error(); });
    condition.notify_one();
    permits.release();
    for (int i = 0; i < 3; ++i) {
        queue.run_ready();
    }
    REQUIRE(index);
    CHECK(*index < 3);
    const bool by_condition = *index == 1;
    CHECK(told == (by_condition ? 0 : 1)); // the notice was passed on
    CHECK(permits.available() == (*index == 2 ? 0 : 1));
    CHECK(queue.outstanding() == (by_condition ? 1 : 0));
}

TEST_CASE("what comes behind one that ends at once does not begin") {
    Queue queue;
    const aioxx::File none;
    CHECK(error_of(queue, when_any(queue.fsync(none), queue.sleep_for(1h))) ==
          std::errc::bad_file_descriptor);
    auto first = aioxx::run(queue, when_any([](std::stop_token) { return gives(7); },
                                            [](std::stop_token) { return gives(8); }));
    CHECK(first.index == 0);
    CHECK(first.value == 7);
    CHECK(queue.statistics().started == 0);
    // And what has begun before it is given up.
    bool ended = false;
    auto second = aioxx::run(
        queue, when_any([&](std::stop_token stop) { return stops_slowly(queue, stop, ended); },
                        queue.sleep_for(1h), [](std::stop_token) { return gives(9); }));
    CHECK(second.index == 2);
    CHECK(std::get<2>(second.value) == 9);
    CHECK(ended);
    queue.run();
    CHECK(queue.outstanding() == 0);
}

TEST_CASE("a winner that fails is thrown, when the others have been given up; or it is data") {
    Queue queue;
    const aioxx::File reads = disk_file(O_RDONLY);
    std::array<std::byte, 1> memory{};
    bool ended = false;
    CHECK(error_of(queue, when_any(queue.sleep_for(1h), queue.write(reads, memory, 0),
                                   [&](std::stop_token stop) {
                                       return stops_slowly(queue, stop, ended);
                                   })) == std::errc::bad_file_descriptor);
    CHECK(ended);
    auto data = aioxx::run(queue, when_any(queue.sleep_for(1h).completion(),
                                           queue.write(reads, memory, 0).completion()));
    CHECK(data.index == 1);
    CHECK(data.value.error() == std::errc::bad_file_descriptor);
    const auto throws = [](Queue& on) -> Task<int> {
        co_await on.sleep_for(0ns);
        throw std::runtime_error{"lost"};
    };
    CHECK_THROWS_AS(
        static_cast<void>(aioxx::run(
            queue, when_any([&](std::stop_token) { return throws(queue); }, queue.sleep_for(1h)))),
        std::runtime_error);
}

TEST_CASE("a task that loses is told to stop and waited for, and what it throws then is dropped") {
    Queue queue;
    bool ended = false;
    const auto fails = [](Queue& on, std::stop_token stop) -> Task<int> {
        co_await on.sleep_for(1h).stopped_by(stop); // throws
        co_return 0;
    };
    const std::string kept = "a string that is longer than what fits into a std::string itself";
    auto winner = aioxx::run(
        queue, when_any([&](std::stop_token stop) { return stops_slowly(queue, stop, ended); },
                        [&](std::stop_token stop) { return fails(queue, stop); },
                        // Its captures are there as long as the coroutine.
                        [&queue, kept](std::stop_token) -> Task<std::string> {
                            co_await queue.sleep_for(1ms);
                            co_return kept;
                        }));
    CHECK(winner.index == 2);
    CHECK(std::get<2>(winner.value) == kept);
    CHECK(ended);
}

TEST_CASE("a task that delivers its own defeat goes on until it ends") {
    Queue queue;
    bool ended = false;
    const auto runs = [](Queue& on, std::stop_token stop, bool& flag) -> Task<int> {
        co_await on.sleep_for(0ns);
        while (!stop.stop_requested()) {
            on.run_ready(); // inside of which the other one wins
        }
        flag = true;
        co_return 1;
    };
    auto winner =
        aioxx::run(queue, when_any([&](std::stop_token stop) { return runs(queue, stop, ended); },
                                   queue.sleep_for(1ms)));
    CHECK(winner.index == 1);
    CHECK(ended);
}

TEST_CASE(
    "a when_any is given up as a whole by a stop token, a deadline and the close of its queue") {
    Queue queue;
    const Ends pipe = make_pipe();
    std::stop_source source;
    std::thread other{[&source] { source.request_stop(); }};
    const std::stop_token token = source.get_token();
    CHECK(error_of(queue, when_any(queue.poll(pipe.reader, POLLIN).stopped_by(token),
                                   queue.sleep_for(1h).stopped_by(token))) ==
          std::errc::operation_canceled);
    other.join();
    CHECK(error_of(queue, when_any(queue.poll(pipe.reader, POLLIN).within(1ms),
                                   queue.sleep_for(1h))) == std::errc::timed_out);
    queue.run();
    unsigned gone = 0;
    struct Gone {
        unsigned& count;
        ~Gone() { ++count; }
    };
    const auto again = [](Queue& on, const Ends& from, unsigned& count) -> Task<> {
        const Gone frame{count};
        const auto task = [&](std::stop_token stop) -> Task<> {
            const Gone inner{count};
            for (;;) {
                static_cast<void>(co_await on.sleep_for(1h).stopped_by(stop).completion());
            }
        };
        for (;;) {
            static_cast<void>(co_await when_any(on.poll(from.reader, POLLIN).completion(),
                                                on.sleep_for(1h).completion(), task));
        }
    };
    aioxx::spawn(queue, again(queue, pipe, gone));
    const Queue::Left left = queue.close_for(1h);
    CHECK(left.outstanding == 0);
    CHECK(left.quarantined == 0);
    CHECK(gone == 2);
}

TEST_CASE("a when_any that is destroyed gives up what it waits for") {
    Queue queue;
    const Ends pipe = make_pipe();
    bool ended = false;
    bool stopped = false;
    {
        const Foreign waits = await_in_foreign(
            when_any(queue.poll(pipe.reader, POLLIN), queue.sleep_for(1h),
                     [&](std::stop_token stop) { return stops_slowly(queue, stop, stopped); }),
            ended);
        queue.run_ready();
        CHECK(queue.outstanding() == 3);
    }
    queue.run(); // which ends
    CHECK_FALSE(ended);
    CHECK_FALSE(stopped);
}

TEST_CASE("a when_any in a task that loses is stopped by the token that it passes on") {
    Queue queue;
    const auto inner = [](Queue& on, std::stop_token stop) -> Task<std::size_t> {
        auto winner = co_await when_any(on.sleep_for(1h).stopped_by(stop).completion(),
                                        on.sleep_for(2h).stopped_by(stop).completion());
        co_return winner.index;
    };
    auto winner =
        aioxx::run(queue, when_any([&](std::stop_token stop) { return inner(queue, stop); },
                                   queue.sleep_for(1ms)));
    CHECK(winner.index == 1);
    queue.run();
}

TEST_CASE("operations of two queues: the winner gives up what is the other's") {
    Queue queue;
    std::optional<Queue> other{std::in_place};
    bool ended = false;
    {
        const Foreign waits =
            await_in_foreign(when_any(queue.sleep_for(1h), other->sleep_for(0ns)), ended);
        other->run();
        CHECK(ended);
        other.reset();
    }
    queue.run();
    CHECK(queue.outstanding() == 0);
}

TEST_CASE("a hedged read: a copy that does not answer loses, and its memory is free") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File slow = aioxx::File::open(server->file("gate").c_str(), O_RDWR | O_DIRECT);
    const aioxx::File fast = disk_file(O_RDWR, std::string(4096, 'f'));
    server->close_gate();
    Queue queue;
    // Borrowed memory: what loses has worked on a copy.
    aioxx::AlignedBuffer first = page();
    std::ranges::fill(first, std::byte{'u'});
    const auto late = [&](std::stop_token) -> Task<std::size_t> {
        co_await queue.sleep_for(0ns);
        server->await_waiting(1);
        co_return 1;
    };
    CHECK(aioxx::run(queue, when_any(queue.read(slow, first, 0), late)).index == 1);
    CHECK(queue.quarantined() == 1);

    const auto hedged = [](Queue& on, const aioxx::File& one,
                           const aioxx::File& two) -> Task<aioxx::Winner<aioxx::Transfer>> {
        co_return co_await when_any(on.read(one, page(), 0), on.read(two, page(), 0));
    };
    auto winner = aioxx::run(queue, hedged(queue, slow, fast));
    CHECK(winner.index == 1);
    CHECK(winner.value.bytes == 4096);
    CHECK(winner.value.buffer.data()[4095] == std::byte{'f'});
    server->open_gate();
    CHECK(queue.close_for(1h).quarantined == 0);
    CHECK(std::ranges::all_of(first, [](std::byte one) { return one == std::byte{'u'}; }));
}

TEST_CASE("borrowed memory beyond the copies is refused by a when_any, and the text says why") {
    Queue::Options options;
    options.copy_limit = 4096;
    Queue queue{options};
    const aioxx::File file = disk_file(O_RDWR, std::string(8192, 'x'));
    std::vector<std::byte> memory(8192);
    const auto reads = [](Queue& on, const aioxx::File& from,
                          std::span<std::byte> into) -> Task<std::string> {
        try {
            static_cast<void>(co_await when_any(on.sleep_for(1h), on.read(from, into, 0)));
        } catch (const std::system_error& error) {
            co_return error.what();
        }
        co_return "no error";
    };
    CHECK(aioxx::run(queue, reads(queue, file, memory)).find("move an AlignedBuffer in") !=
          std::string::npos);
}
