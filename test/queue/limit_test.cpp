// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/files.hpp"

#include <chrono>
#include <limits>
#include <vector>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

aioxx::Queue::Options limited(std::size_t limit, unsigned depth = 128) {
    aioxx::Queue::Options options;
    options.limit = limit;
    options.depth = depth;
    return options;
}

} // namespace

TEST_CASE("a full queue refuses one more with EAGAIN, and takes it when there is room") {
    aioxx::Queue queue{limited(3)};
    const Ends pipe = make_pipe();
    unsigned ready = 0;
    const auto count = [&ready](const aioxx::Completion&) { ++ready; };
    for (unsigned i = 0; i < 3; ++i) {
        queue.poll(pipe.reader, POLLIN).start(count);
    }
    std::error_code error;
    CHECK(queue.poll(pipe.reader, POLLIN).start(count, error) == aioxx::OperationId{});
    CHECK(error == std::errc::resource_unavailable_try_again);
    CHECK_THROWS_AS(queue.poll(pipe.reader, POLLIN).start(count), std::system_error);
    CHECK(queue.outstanding() == 3);
    pipe.fill("x");
    queue.run();
    CHECK(ready == 3);
    queue.poll(pipe.reader, POLLIN).start(count);
    queue.run();
    CHECK(ready == 4);
}

TEST_CASE("wait_for_capacity() completes at once where there is room") {
    aioxx::Queue queue{limited(1)};
    bool room = false;
    queue.wait_for_capacity().start(
        [&](const aioxx::Completion& done) { room = done.result() == 0; });
    queue.run();
    CHECK(room);
}

TEST_CASE("wait_for_capacity() means that the next start is taken, also for several that wait") {
    aioxx::Queue queue{limited(4)};
    const Ends pipe = make_pipe();
    pipe.fill("x");
    unsigned refused = 0;
    unsigned taken = 0;
    struct Next {
        aioxx::Queue* queue;
        const aioxx::File* reader;
        unsigned* refused;
        unsigned* taken;
        void operator()(const aioxx::Completion& done) const {
            CHECK(done.result() == 0);
            std::error_code error;
            queue->poll(*reader, POLLIN).start([](auto&) {}, error);
            ++*(error ? refused : taken);
        }
    };
    for (unsigned i = 0; i < 4; ++i) {
        queue.poll(pipe.reader, POLLIN).start([](auto&) {});
    }
    for (unsigned i = 0; i < 20; ++i) {
        queue.wait_for_capacity().start(Next{&queue, &pipe.reader, &refused, &taken});
    }
    queue.run();
    CHECK(refused == 0);
    CHECK(taken == 20);
    CHECK(queue.outstanding() == 0);
}

TEST_CASE(
    "wait_for_capacity() waits for the copy that was refused before it, not for a later one") {
    std::vector<std::byte> memory(8192);
    const std::span half = std::span{memory}.first(4096);
    const Ends pipe = make_pipe();
    Outcomes outcomes{4};
    aioxx::Queue::Options options;
    options.copy_limit = memory.size();
    aioxx::Queue queue{options};
    const std::chrono::hours long_after{1};
    const aioxx::OperationId first =
        queue.read(pipe.reader, half, 0).within(long_after).start(outcomes.at(0));
    auto large = queue.read(pipe.reader, memory, 0).within(long_after);
    std::error_code error;
    large.start(outcomes.at(3), error);
    REQUIRE(error == std::errc::resource_unavailable_try_again);
    queue.wait_for_capacity().start(outcomes.at(1));
    const aioxx::OperationId second =
        queue.read(pipe.reader, half, 0).within(long_after).start(outcomes.at(2));
    queue.cancel(second);
    queue.run_ready();
    queue.run_ready();          // what the first has found room for
    CHECK(outcomes.all() == 1); // there is room for half of it
    queue.cancel(first);
    queue.run_ready();
    queue.run_ready();
    CHECK(outcomes.all() == 3);
    large.start(outcomes.at(3), error);
    CHECK_FALSE(error);
    queue.cancel_all();
    queue.run();
    CHECK(outcomes.once_each());
}

TEST_CASE("a queue far deeper than its context carries all, in order of submission") {
    constexpr std::size_t count = 5000;
    aioxx::Queue queue{limited(count, 2)};
    CHECK(queue.depth() == 2);
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(16 * 4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{count};
    for (std::size_t i = 0; i < count; ++i) {
        queue.read(file, buffer, static_cast<std::int64_t>(i % 16) * 4096).start(outcomes.at(i));
    }
    const aioxx::QueueStatistics full = queue.statistics();
    CHECK(full.outstanding == count);
    CHECK(full.in_flight <= 2);
    CHECK(full.in_flight + full.backlog <= count);
    CHECK((full.backlog > 0 || !queue.uses_kernel_aio()));
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == 4096);
    CHECK(outcomes[count - 1] == 4096);
    CHECK(queue.statistics().backlog == 0);
}

TEST_CASE("polls that wait take no places from the disk") {
    aioxx::Queue queue{limited(65536, 2)};
    const Ends pipe = make_pipe();
    Outcomes polls{500};
    for (std::size_t i = 0; i < 500; ++i) {
        queue.poll(pipe.reader, POLLIN).start(polls.at(i));
    }
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    std::int64_t result = 0;
    queue.read(file, buffer, 0).start([&](const aioxx::Completion& done) {
        result = done.result();
        pipe.fill("x");
    });
    queue.run();
    CHECK(result == 4096);
    CHECK(polls.once_each());
    CHECK(polls[0] == POLLIN);
    CHECK(polls[499] == POLLIN);
}

TEST_CASE("an array of more parts than the kernel takes is refused with EINVAL, copied or not") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "content");
    std::byte byte{};
    std::vector<iovec> parts(1025, iovec{&byte, 1});
    const auto error_of = [](auto operation) {
        std::error_code error;
        operation.start([](auto&) {}, error);
        return error;
    };
    CHECK(error_of(queue.readv(file, parts, 0)) == std::errc::invalid_argument);
    CHECK(error_of(queue.readv(file, parts, 0).within(std::chrono::hours{1})) ==
          std::errc::invalid_argument);
    const std::span<const iovec> endless{parts.data(), std::numeric_limits<std::size_t>::max()};
    CHECK(error_of(queue.readv(file, endless, 0)) == std::errc::invalid_argument);
    CHECK(error_of(queue.writev(file, endless, 0).within(std::chrono::hours{1})) ==
          std::errc::invalid_argument);
    parts.pop_back();
    CHECK_FALSE(error_of(queue.readv(file, parts, 0)));
    queue.run();
}

TEST_CASE("a limit of 0 is one of 1: a queue can be waited for") {
    aioxx::Queue::Options options;
    options.limit = 0;
    aioxx::Queue queue{options};
    Outcomes outcomes{2};
    queue.sleep_for(std::chrono::nanoseconds{0}).start(outcomes.at(0));
    queue.wait_for_capacity().start(outcomes.at(1));
    std::error_code error;
    queue.sleep_for(std::chrono::nanoseconds{0}).start(outcomes.at(0), error);
    CHECK(error == std::errc::resource_unavailable_try_again);
    queue.run();
    CHECK(outcomes.once_each());
}
