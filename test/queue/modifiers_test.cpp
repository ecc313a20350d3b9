// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What is said of an operation before it begins.
#include "queue/files.hpp"

#include <chrono>
#include <concepts>

#include <poll.h>
#include <sys/ioctl.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

template <typename Operation>
concept TakesFlags = requires(Operation operation) {
    operation.with(aioxx::RwFlags::dsync);
};
template <typename Operation>
concept TakesPriority = requires(Operation operation) {
    operation.with(aioxx::IoPriority{});
};
template <typename Operation>
concept TakesOrder = requires(Operation operation) {
    operation.after_writes();
};
template <typename Operation>
concept TakesDeadline = requires(Operation operation) {
    operation.within(1h).until({});
};

using Transfer = aioxx::Operation<std::size_t>;
using Flush = aioxx::Operation<void, aioxx::OperationKind::flush>;
using Poll = aioxx::Operation<std::uint32_t, aioxx::OperationKind::poll>;
using Sleep = aioxx::Operation<void, aioxx::OperationKind::sleep>;
using Capacity = aioxx::Operation<void, aioxx::OperationKind::capacity>;

} // namespace

TEST_CASE("a modifier exists only where it means something") {
    CHECK(TakesFlags<Transfer>);
    CHECK_FALSE((TakesFlags<Flush> || TakesFlags<Poll> || TakesFlags<Sleep>));
    CHECK_FALSE(TakesFlags<Capacity>);
    CHECK((TakesPriority<Transfer> && TakesPriority<Flush>));
    CHECK_FALSE((TakesPriority<Poll> || TakesPriority<Sleep> || TakesPriority<Capacity>));
    CHECK(TakesOrder<Flush>);
    CHECK_FALSE((TakesOrder<Transfer> || TakesOrder<Poll> || TakesOrder<Sleep>));
    CHECK_FALSE(TakesOrder<Capacity>);
    CHECK((TakesDeadline<Transfer> && TakesDeadline<Flush> && TakesDeadline<Poll>));
    CHECK((TakesDeadline<Sleep> && TakesDeadline<Capacity>));
}

TEST_CASE("modifiers come in any order, on an operation that has a name as well") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "first ");
    Outcomes outcomes{3};
    auto write = queue.write_all(file, bytes_of("second"), 0);
    write.within(1h).with(aioxx::RwFlags::append);
    write.with(aioxx::IoPriority{aioxx::IoPriority::Class::best_effort, 7}).start(outcomes.at(0));
    queue.fsync(file).within(1h).after_writes().start(outcomes.at(1));
    auto flush = queue.fdatasync(file).after_writes().completion().within(1h);
    flush.start(outcomes.at(2));
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == 6);
    CHECK(outcomes[1] == 0);
    CHECK(outcomes[2] == 0);
    CHECK(content_of(file) == "first second");
}

TEST_CASE("a sleep with a deadline times out when that comes first, and ends well otherwise") {
    for (const bool event_fd : {false, true}) {
        aioxx::Queue::Options options;
        options.use_event_fd = event_fd;
        aioxx::Queue queue{options};
        Outcomes outcomes{6};
        const Clock::time_point soon = Clock::now() + 1ms;
        queue.sleep_for(1h).within(1ms).start(outcomes.at(0));
        queue.sleep_for(1ms).within(1h).start(outcomes.at(1));
        queue.sleep_until(soon).until(soon).start(outcomes.at(2));
        queue.sleep_for(1h).until(Clock::time_point{}).start(outcomes.at(3));
        queue.sleep_for(1h).within(1ms).within(1h).start(outcomes.at(4));
        queue.sleep_for(1h).until(Clock::time_point::max()).within(1ms).start(outcomes.at(5));
        queue.run();
        CHECK(outcomes.once_each());
        CHECK(outcomes[0] == -ETIMEDOUT);
        CHECK(outcomes[1] == 0);
        CHECK(outcomes[2] == 0);
        CHECK(outcomes[3] == -ETIMEDOUT);
        CHECK(outcomes[4] == -ETIMEDOUT);
        CHECK(outcomes[5] == -ETIMEDOUT);
    }
}

TEST_CASE("what begins after its deadline asks nothing of the file, and times out") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "content");
    const Ends pipe = make_pipe();
    pipe.fill("x");
    Outcomes outcomes{4};
    aioxx::AlignedBuffer memory{4096, 4096};
    queue.write_all(file, bytes_of("written"), 0).until(Clock::time_point{}).start(outcomes.at(0));
    queue.read(pipe.reader, memory, 0).within(-1h).start(outcomes.at(1));
    queue.poll(pipe.reader, POLLIN).within(0ns).start(outcomes.at(2));
    queue.fsync(file).after_writes().within(0ns).start(outcomes.at(3));
    std::size_t given_back = 0;
    queue.write(file, aioxx::AlignedBuffer{512, 512}, 0)
        .within(0ns)
        .start([&](const aioxx::Completion& done) { given_back = done.buffer().size(); });
    CHECK(outcomes.all() == 0); // nothing is told in start()
    const aioxx::QueueStatistics begun = queue.statistics();
    queue.run();
    int left = 0;
    CHECK(::ioctl(pipe.reader.fd(), FIONREAD, &left) == 0);
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(outcomes[i] == -ETIMEDOUT);
    }
    CHECK(begun.submit_calls + begun.nowait_tries + begun.offloaded == 0);
    CHECK(given_back == 512);
    CHECK(left == 1);
    CHECK(content_of(file) == "content");
    CHECK(queue.statistics().timed_out == 5);
}
