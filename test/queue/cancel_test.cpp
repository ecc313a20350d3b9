// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <vector>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Cancellation;

namespace {

/// How many races are run: AIOXX_RACES, a million in CI.
unsigned long races() {
    const char* const wanted = std::getenv("AIOXX_RACES");
    return wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 100'000;
}

/// Counts the one result that it gets; and what is none that was given.
template <typename Operation>
aioxx::Task<> race(Operation operation, std::stop_token token, unsigned& results,
                   unsigned long& wrong) {
    const aioxx::Completion done =
        co_await std::move(operation).stopped_by(std::move(token)).completion();
    ++results;
    wrong += done.error() && !done.cancelled() && !done.timed_out() ? 1U : 0U;
}

} // namespace

TEST_CASE("what has not begun, or waits, is cancelled and says so") {
    SKIP_WITHOUT_KERNEL_AIO("nothing waits for a slot");
    aioxx::Queue::Options options;
    options.depth = 1;
    options.limit = 200;
    aioxx::Queue queue{options};
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    const Ends pipe = make_pipe();
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{5};
    const aioxx::OperationId sleep = queue.sleep_for(1h).start(outcomes.at(0));
    const aioxx::OperationId stream = queue.read(pipe.reader, buffer, 0).start(outcomes.at(1));
    const aioxx::OperationId behind = queue.read(pipe.reader, buffer, 0).start(outcomes.at(2));
    queue.run_ready(); // the first has been tried, and waits for its stream
    queue.read(file, buffer, 0).start(outcomes.at(3));
    const aioxx::OperationId backlog = queue.read(file, buffer, 0).start(outcomes.at(4));
    CHECK(queue.cancel(sleep) == Cancellation::cancelled);
    CHECK(queue.cancel(behind) == Cancellation::cancelled);
    CHECK(queue.cancel(stream) == Cancellation::cancelled);
    CHECK(queue.cancel(backlog) == Cancellation::cancelled);
    CHECK(queue.cancel(sleep) == Cancellation::too_late);
    CHECK(queue.cancel(aioxx::OperationId{}) == Cancellation::too_late);
    queue.run();
    CHECK(outcomes.once_each());
    for (const std::size_t i : {0U, 1U, 2U, 4U}) {
        CHECK(outcomes[i] == -ECANCELED);
    }
    CHECK(outcomes[3] == 4096);
    CHECK(queue.cancel(backlog) == Cancellation::too_late);
}

TEST_CASE("a poll in the kernel is asked for, and comes back cancelled") {
    SKIP_WITHOUT_KERNEL_AIO("no poll is with the kernel");
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    Outcomes outcomes{1};
    const aioxx::OperationId poll = queue.poll(pipe.reader, POLLIN).start(outcomes.at(0));
    CHECK(queue.cancel(poll) == Cancellation::requested);
    queue.run();
    CHECK(outcomes[0] == -ECANCELED);
    CHECK(queue.statistics().cancelled == 1);
}

TEST_CASE("what is with the disk runs on, and delivers its result") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::Queue queue;
    const aioxx::File file = aioxx::File::open(server->file("gate").c_str(), O_RDWR | O_DIRECT);
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{1};
    server->close_gate();
    const aioxx::OperationId id = queue.read(file, buffer, 0).start(outcomes.at(0));
    server->await_waiting(1);
    CHECK(queue.cancel(id) == Cancellation::runs_on);
    CHECK(queue.cancel_all() == 0);
    CHECK(queue.cancel(file) == 0);
    server->open_gate();
    queue.run();
    CHECK(outcomes[0] == 4096);
    CHECK(queue.statistics().cancelled == 0);
}

TEST_CASE("cancelling by file leaves the other files alone; cancel_all() leaves none") {
    aioxx::Queue queue;
    const Ends one = make_pipe();
    const Ends other = make_pipe();
    const aioxx::File unused = disk_file();
    Outcomes outcomes{6};
    std::array<std::byte, 16> buffer{};
    queue.poll(one.reader, POLLIN).start(outcomes.at(0));
    queue.read(one.reader, buffer, 0).start(outcomes.at(1));
    queue.read(one.reader, buffer, 0).start(outcomes.at(2));
    queue.poll(other.reader, POLLIN).start(outcomes.at(3));
    queue.read(other.reader, buffer, 0).start(outcomes.at(4));
    queue.sleep_for(1h).start(outcomes.at(5));
    queue.run_ready();
    CHECK(queue.cancel(one.reader) == 3);
    CHECK(queue.cancel(unused) == 0);
    while (outcomes.all() < 3) {
        queue.run_once();
    }
    CHECK(outcomes[0] == -ECANCELED);
    CHECK(outcomes[1] == -ECANCELED);
    CHECK(outcomes[2] == -ECANCELED);
    CHECK(queue.outstanding() == 3);
    CHECK(queue.cancel_all() == 3);
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[5] == -ECANCELED);
}

TEST_CASE("cancelling from other threads is heard while the queue waits") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    constexpr std::size_t count = 200;
    Outcomes outcomes{count};
    std::vector<aioxx::OperationId> ids;
    for (std::size_t i = 0; i < count; ++i) {
        ids.push_back(i % 2 == 0 ? queue.poll(pipe.reader, POLLIN).start(outcomes.at(i))
                                 : queue.sleep_for(1h).start(outcomes.at(i)));
    }
    std::vector<std::thread> threads;
    for (std::size_t first = 0; first < 4; ++first) {
        threads.emplace_back([&, first] {
            for (std::size_t i = first; i < count; i += 4) {
                queue.request_cancel(ids[i]);
            }
        });
    }
    queue.run();
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(outcomes[i] == -ECANCELED);
    }
}

TEST_CASE("a request to cancel that is made between posted calls is heard") {
    aioxx::Queue queue;
    Outcomes outcomes{1};
    const aioxx::OperationId id = queue.sleep_for(1h).start(outcomes.at(0));
    queue.post([&] { queue.request_cancel(id); });
    queue.post([] {});
    queue.run();
    CHECK(outcomes[0] == -ECANCELED);
}

TEST_CASE("of requests to cancel an earlier and a later use of a record each means its own") {
    aioxx::Queue queue;
    Outcomes outcomes{2};
    const aioxx::OperationId first = queue.sleep_for(0ns).start(outcomes.at(0));
    queue.run();
    const aioxx::OperationId second = queue.sleep_for(1h).start(outcomes.at(1));
    REQUIRE((first.value & 0xffffffffU) == (second.value & 0xffffffffU));
    queue.request_cancel(first);
    queue.request_cancel(aioxx::OperationId{});
    queue.run_ready();
    CHECK(outcomes.all() == 1);
    queue.request_cancel(second);
    queue.request_cancel(first);
    queue.run();
    CHECK(outcomes[1] == -ECANCELED);
    const aioxx::OperationId third = queue.sleep_for(1h).start(outcomes.at(1));
    queue.request_cancel(second);
    queue.request_cancel(third); // takes the place of the one before
    queue.run();
    CHECK(outcomes[1] == -ECANCELED);
}

TEST_CASE("an id of an operation that has ended means no later one") {
    aioxx::Queue queue;
    const aioxx::OperationId first = queue.sleep_for(0ns).start([](auto&) {});
    queue.run();
    Outcomes outcomes{1};
    const aioxx::OperationId second = queue.sleep_for(1h).start(outcomes.at(0));
    CHECK_FALSE(first == second);
    CHECK(queue.cancel(first) == Cancellation::too_late);
    CHECK(queue.cancel(second) == Cancellation::cancelled);
    queue.run();
    CHECK(outcomes[0] == -ECANCELED);
}

TEST_CASE("an id of one queue means nothing to another") {
    Outcomes outcomes{2};
    aioxx::Queue queue;
    aioxx::Queue other;
    const aioxx::OperationId own = queue.sleep_for(1h).start(outcomes.at(0));
    const aioxx::OperationId others = other.sleep_for(1h).start(outcomes.at(1));
    CHECK_FALSE(own == others);
    CHECK(queue.cancel(others) == Cancellation::too_late);
    queue.request_cancel(others);
    queue.run_ready();
    CHECK(outcomes.all() == 0);
    CHECK(queue.cancel(own) == Cancellation::cancelled);
    queue.run();
}

TEST_CASE("cancel and completion race, and each operation has exactly one outcome") {
    const unsigned long total = races();
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    const Ends sockets = make_sockets();
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    std::array<std::byte, 1> byte{};
    std::minstd_rand random{20261121};
    std::atomic<bool> stop{false};
    std::thread other{[&] { // makes ready what is polled, whenever it likes
        while (!stop) {
            std::error_code ignored;
            std::array<char, 1> one{'x'};
            [[maybe_unused]] const ssize_t in = ::write(pipe.writer.fd(), one.data(), 1);
            [[maybe_unused]] const ssize_t out = ::read(pipe.reader.fd(), one.data(), 1);
        }
    }};
    unsigned long ended = 0;
    unsigned long wrong = 0;
    constexpr std::size_t at_a_time = 16;
    for (unsigned long round = 0; round < total / at_a_time; ++round) {
        std::array<unsigned, at_a_time> outcomes{};
        std::array<Cancellation, at_a_time> words{};
        std::array<std::int64_t, at_a_time> results{};
        std::array<aioxx::OperationId, at_a_time> ids{};
        for (std::size_t i = 0; i < at_a_time; ++i) {
            const auto callback = [&, i](const aioxx::Completion& done) {
                ++outcomes[i];
                results[i] = done.result();
                ++ended;
            };
            switch (random() % 4) {
            case 0:
                ids[i] = queue.read(file, buffer, 0).start(callback);
                break;
            case 1:
                ids[i] = queue.sleep_for(std::chrono::nanoseconds{random() % 4000}).start(callback);
                break;
            case 2:
                ids[i] = queue.read(sockets.reader, byte, 0).start(callback);
                sockets.fill("x");
                break;
            default:
                ids[i] = queue.poll(pipe.reader, POLLIN).start(callback);
            }
        }
        if (random() % 2 == 0) {
            queue.run_ready();
        }
        for (std::size_t i = 0; i < at_a_time; ++i) {
            words[i] = queue.cancel(ids[i]);
        }
        queue.run();
        for (std::size_t i = 0; i < at_a_time; ++i) {
            wrong += outcomes[i] != 1;
            wrong += words[i] == Cancellation::cancelled && results[i] != -ECANCELED;
            wrong += words[i] == Cancellation::runs_on && results[i] == -ECANCELED;
            wrong += results[i] < 0 && results[i] != -ECANCELED;
        }
        std::array<std::byte, 64> rest{};
        [[maybe_unused]] const ssize_t drained =
            ::recv(sockets.reader.fd(), rest.data(), rest.size(), MSG_DONTWAIT);
    }
    stop = true;
    [[maybe_unused]] const ssize_t last = ::write(pipe.writer.fd(), "xx", 2);
    other.join();
    CHECK(wrong == 0);
    CHECK(ended == total / at_a_time * at_a_time);
    CHECK(queue.outstanding() == 0);
}

TEST_CASE("deadlines, stop requests and cancels by other threads race, and each has one result") {
    const unsigned long total = races();
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    std::vector<aioxx::AlignedBuffer> buffers;
    std::minstd_rand random{20261129};
    std::mutex mutex; // of the next
    std::stop_source source;
    std::atomic<std::uint64_t> id{0};
    std::atomic<bool> stop{false};
    std::thread stops{[&] {
        while (!stop) {
            std::stop_source current{std::nostopstate};
            {
                const std::lock_guard lock{mutex};
                current = source;
            }
            std::this_thread::yield();
            current.request_stop();
        }
    }};
    std::thread cancels{[&] {
        while (!stop) {
            queue.request_cancel(aioxx::OperationId{id.load()});
            std::this_thread::yield();
        }
    }};
    constexpr std::size_t at_a_time = 16;
    for (std::size_t i = 0; i < at_a_time; ++i) {
        buffers.emplace_back(4096, 4096);
    }
    unsigned long ended = 0;
    unsigned long wrong = 0;
    for (unsigned long round = 0; round < total / at_a_time; ++round) {
        std::array<unsigned, at_a_time> results{};
        std::stop_token token;
        {
            const std::lock_guard lock{mutex};
            source = std::stop_source{};
            token = source.get_token();
        }
        for (std::size_t i = 0; i < at_a_time; ++i) {
            const std::chrono::nanoseconds span{random() % 100'000};
            switch (random() % 4) {
            case 0:
                aioxx::spawn(queue, race(queue.read(file, buffers[i], 0).within(span), token,
                                         results[i], wrong));
                break;
            case 1:
                aioxx::spawn(queue, race(queue.sleep_for(span), token, results[i], wrong));
                break;
            case 2:
                aioxx::spawn(queue, race(queue.poll(pipe.reader, POLLIN).within(span), token,
                                         results[i], wrong));
                break;
            default:
                id = queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0)
                         .start([&, i](const aioxx::Completion& done) {
                             ++results[i];
                             wrong += done.error() && !done.cancelled() ? 1U : 0U;
                         })
                         .value;
            }
        }
        queue.run();
        for (const unsigned count : results) {
            wrong += count != 1 ? 1U : 0U;
            ended += count;
        }
    }
    stop = true;
    stops.join();
    cancels.join();
    CHECK(wrong == 0);
    CHECK(ended == total / at_a_time * at_a_time);
    CHECK(queue.close_for(1h).quarantined == 0);
    CHECK(queue.statistics().copied == 0);
}
