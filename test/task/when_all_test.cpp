// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// when_all() of operations, and of operations and tasks.
#include "queue/files.hpp"
#include "task/awaiting.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Queue;
using aioxx::when_all;

namespace {

aioxx::Task<int> number(Queue& queue, int value) {
    co_await queue.sleep_for(0ns);
    co_return value;
}

} // namespace

TEST_CASE("when_all gives what each of its operations and tasks gives, in their order") {
    Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "some content");
    std::array<std::byte, 4> memory{};
    aioxx::Condition condition{queue};
    aioxx::Semaphore permits{queue, 1};
    queue.sleep_for(0ns).start([&condition](auto&) { condition.notify_one(); });
    auto all = aioxx::run(
        queue, when_all(queue.read(file, memory, 5), number(queue, 7), queue.read(file, page(), 0),
                        queue.read(file, page(), 4096).completion(), condition.wait(),
                        permits.acquire().within(1h), queue.poll(file, POLLIN).stopped_by({})));
    CHECK(std::is_same_v<decltype(all),
                         std::tuple<std::size_t, int, aioxx::Transfer, aioxx::Completion,
                                    std::tuple<>, std::tuple<>, std::uint32_t>>);
    CHECK(std::get<0>(all) == 4);
    CHECK(text_of(memory) == "cont");
    CHECK(std::get<1>(all) == 7);
    const aioxx::Transfer& whole = std::get<2>(all);
    CHECK(text_of(whole.buffer.first(whole.bytes)) == "some content");
    CHECK(std::get<3>(all).end_of_file());
    CHECK(permits.available() == 0);
    CHECK((std::get<6>(all) & POLLIN) != 0);
}

TEST_CASE(
    "when_all of a vector of operations gives a vector, and nothing for those that give none") {
    Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "0123456789");
    std::vector<std::array<std::byte, 2>> blocks(5);
    std::vector<aioxx::Operation<std::size_t>> reads;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        reads.push_back(queue.read(file, blocks[i], static_cast<std::int64_t>(8 - 2 * i)));
    }
    const std::vector<std::size_t> bytes = aioxx::run(queue, when_all(std::move(reads)));
    CHECK(bytes == std::vector<std::size_t>(5, 2));
    CHECK(text_of(blocks[1]) == "67");
    using Flush = decltype(queue.fsync(file));
    std::vector<Flush> flushes;
    flushes.push_back(queue.fsync(file));
    CHECK(std::is_void_v<decltype(aioxx::run(queue, when_all(std::move(flushes))))>);
    aioxx::run(queue, when_all(std::vector<Flush>{}));
    CHECK(queue.statistics().completed == 5);
}

TEST_CASE("operations of a when_all begin together: one io_submit") {
    Queue queue;
    if (!queue.uses_kernel_aio()) {
        return;
    }
    const std::array<Ends, 3> pipes{make_pipe(), make_pipe(), make_pipe()};
    for (const Ends& pipe : pipes) {
        pipe.fill("x");
    }
    const std::uint64_t before = queue.statistics().submit_calls;
    aioxx::run(queue,
               when_all(queue.poll(pipes[0].reader, POLLIN), queue.poll(pipes[1].reader, POLLIN),
                        queue.poll(pipes[2].reader, POLLIN)));
    CHECK(queue.statistics().submit_calls - before == 1);
}

TEST_CASE("when_all ends when all have, and throws the first failure in time") {
    Queue queue;
    const aioxx::File reads = disk_file(O_RDONLY);
    std::array<std::byte, 1> memory{};
    // By a write that waits for the one before it on the same file.
    const auto fails_later = [&reads, &memory](Queue& on) -> aioxx::Task<> {
        co_await on.sleep_for(0ns);
        co_await on.write(reads, memory, 0).completion();
        throw std::runtime_error{"later"};
    };
    const Ends silent = make_pipe();
    bool ended = false;
    const auto ends_last = [](Queue& on, bool& flag) -> aioxx::Task<> {
        co_await on.sleep_for(40ms);
        flag = true;
    };
    CHECK(error_of(queue, when_all(fails_later(queue), queue.write(reads, memory, 0),
                                   queue.poll(silent.reader, POLLIN).within(1ms).completion(),
                                   ends_last(queue, ended))) == std::errc::bad_file_descriptor);
    CHECK(ended);
}

TEST_CASE("what a when_all is refused fails it, and the others are waited for all the same") {
    Queue queue;
    const aioxx::File none;
    bool ended = false;
    const auto ends = [](Queue& on, bool& flag) -> aioxx::Task<> {
        co_await on.sleep_for(1ms);
        flag = true;
    };
    CHECK(error_of(queue, when_all(queue.fsync(none), ends(queue, ended))) ==
          std::errc::bad_file_descriptor);
    CHECK(ended);
    auto [refused, slept] =
        aioxx::run(queue, when_all(queue.read(none, page(), 0).completion(), queue.sleep_for(0ns)));
    CHECK(refused.error() == std::errc::bad_file_descriptor);
    CHECK(refused.buffer().size() == 4096);
    CHECK(error_of(queue, when_all(queue.fsync(none), queue.fsync(none))) ==
          std::errc::bad_file_descriptor); // nothing has begun
}

TEST_CASE("a stop token and a deadline end operations of a when_all, one of them or all") {
    Queue queue;
    const Ends pipe = make_pipe();
    std::stop_source source;
    queue.sleep_for(0ns).start([&source](auto&) { source.request_stop(); });
    auto [stopped, late, slept] = aioxx::run(
        queue,
        when_all(queue.poll(pipe.reader, POLLIN).stopped_by(source.get_token()).completion(),
                 queue.poll(pipe.reader, POLLIN).within(1ms).completion(), queue.sleep_for(2ms)));
    CHECK(stopped.cancelled());
    CHECK(late.timed_out());
    CHECK(error_of(queue, when_all(queue.sleep_for(1h).stopped_by(source.get_token()),
                                   queue.sleep_for(1h).stopped_by(source.get_token()))) ==
          std::errc::operation_canceled);
}

TEST_CASE("a stop after the end of a part touches nothing, also where the queue has gone") {
    std::stop_source source;
    std::optional<Queue> first{std::in_place};
    Queue second;
    bool ended = false;
    {
        const Foreign both = await_in_foreign(
            when_all(first->sleep_for(0ns).stopped_by(source.get_token()),
                     second.sleep_for(1h).stopped_by(source.get_token()).completion()),
            ended);
        first->run();
        first.reset();
        source.request_stop(); // ASan: of the first queue nothing is there
        second.run();
    }
    CHECK(ended);
}

TEST_CASE("a when_all that is destroyed gives up the operations that it waits for") {
    Queue queue;
    const Ends pipe = make_pipe();
    bool ended = false;
    aioxx::Condition condition{queue};
    unsigned told = 0;
    {
        const Foreign waits =
            await_in_foreign(when_all(queue.poll(pipe.reader, POLLIN), condition.wait(),
                                      number(queue, 1), queue.sleep_for(1h)),
                             ended);
        condition.wait().start([&told](const aioxx::Completion& done) { told += !done.error(); });
        queue.run_ready();
        CHECK(queue.outstanding() == 4);
        condition.notify_one(); // the first that waits is not told any more: the next one is
    }
    queue.run(); // which ends: nothing makes the pipe ready
    CHECK(queue.outstanding() == 0);
    CHECK(told == 1);
    CHECK_FALSE(ended);
}

TEST_CASE("a task in a when_all of operations goes with its queue when that closes") {
    unsigned gone = 0;
    struct Gone {
        unsigned& count;
        ~Gone() { ++count; }
    };
    Queue queue;
    const auto again = [](Queue& on, unsigned& count) -> aioxx::Task<> {
        const Gone frame{count};
        for (;;) {
            static_cast<void>(
                co_await when_all(on.sleep_for(1h).completion(), on.sleep_for(1h).completion()));
        }
    };
    aioxx::spawn(queue, again(queue, gone));
    CHECK(queue.close_for(1h).outstanding == 0);
    CHECK(gone == 1);
}

TEST_CASE("a loop over when_all() of operations that are refused takes no stack") {
    Queue queue;
    const auto loop = [](Queue& on) -> aioxx::Task<unsigned> {
        const aioxx::File closed;
        unsigned failed = 0;
        for (unsigned i = 0; i < 50'000; ++i) {
            auto [one, two] =
                co_await when_all(on.fsync(closed).completion(), on.fsync(closed).completion());
            failed += one.error() && two.error() ? 1U : 0U;
        }
        co_return failed;
    };
    CHECK(aioxx::run(queue, loop(queue)) == 50'000);
}
