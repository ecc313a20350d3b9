// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/files.hpp"
#include "skip.hpp"

#include <chrono>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

bool add_up(const aioxx::QueueStatistics& now) {
    return now.started == now.completed + now.cancelled + now.timed_out + now.outstanding;
}

} // namespace

TEST_CASE("each operation is in one count: completed, cancelled, timed out or outstanding") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    const aioxx::File file = disk_file(O_RDONLY | O_DIRECT, std::string(4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{7};
    queue.sleep_for(0ns).start(outcomes.at(0));
    queue.wait_for_capacity().start(outcomes.at(1));
    queue.write(file, buffer, 0).start(outcomes.at(2)); // fails by itself
    queue.poll(pipe.reader, POLLIN).within(1ms).start(outcomes.at(3));
    queue.read(pipe.reader, aioxx::AlignedBuffer{4096, 4096}, 0).within(1ms).start(outcomes.at(4));
    const aioxx::OperationId cancelled = queue.sleep_for(1h).start(outcomes.at(5));
    queue.cancel(cancelled);
    while (outcomes.all() < 6) {
        CHECK(add_up(queue.statistics()));
        queue.run_once();
    }
    queue.poll(pipe.reader, POLLIN).start(outcomes.at(6));
    const aioxx::QueueStatistics now = queue.statistics();
    CHECK(now.started == 7);
    CHECK(now.completed == 3);
    CHECK(now.timed_out == 2);
    CHECK(now.cancelled == 1);
    CHECK(now.outstanding == 1);
    CHECK(queue.close_for(1h).outstanding == 0);
    CHECK(queue.statistics().cancelled == 2);
    CHECK(queue.statistics().outstanding == 0);
    CHECK(add_up(queue.statistics()));
}

TEST_CASE("another thread reads statistics that add up while the queue works") {
    constexpr std::uint64_t enough = 20'000;
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDONLY, std::string(4096, 'x'));
    const Ends pipe = make_pipe();
    std::array<std::byte, 4096> memory{};
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> reads{0};
    std::uint64_t wrong = 0;
    std::thread reader{[&] {
        aioxx::QueueStatistics last;
        while (!done.load()) {
            const aioxx::QueueStatistics now = queue.statistics();
            const bool fits = add_up(now) && now.completed <= now.started &&
                              now.cancelled <= now.started && now.outstanding <= 4 &&
                              now.started >= last.started && now.completed >= last.completed &&
                              now.in_flight <= 4 && now.quarantined == 0;
            wrong += fits && queue.outstanding() <= 4 && queue.quarantined() == 0 ? 0U : 1U;
            last = now;
            ++reads;
        }
    }};
    for (std::uint64_t count = 0; count < enough || reads.load() < enough; ++count) {
        queue.read(file, memory, 0).start([](auto&) {});
        queue.cancel(queue.poll(pipe.reader, POLLIN).start([](auto&) {}));
        queue.wait_for_capacity().start([](auto&) {});
        queue.run();
    }
    done.store(true);
    reader.join();
    CHECK(wrong == 0);
}

TEST_CASE("what most operations have had to wait for is the bottleneck") {
    using aioxx::Bottleneck;
    struct Row {
        std::uint64_t slots, workers, buffers;
        Bottleneck bottleneck;
    };
    constexpr std::array rows{
        Row{0, 0, 0, Bottleneck::none},    Row{1, 0, 0, Bottleneck::slots},
        Row{0, 1, 0, Bottleneck::workers}, Row{0, 0, 1, Bottleneck::buffers},
        Row{2, 3, 1, Bottleneck::workers}, Row{3, 2, 1, Bottleneck::slots},
        Row{1, 2, 3, Bottleneck::buffers}, Row{2, 2, 2, Bottleneck::slots},
        Row{1, 2, 2, Bottleneck::workers},
    };
    for (const Row& row : rows) {
        CAPTURE(&row - rows.data());
        aioxx::QueueStatistics now;
        now.waited_for_slots = row.slots;
        now.waited_for_workers = row.workers;
        now.waited_for_buffers = row.buffers;
        CHECK((now.bottleneck() == row.bottleneck));
        aioxx::QueueStatistics later = now;
        later.waited_for_buffers += 7;
        CHECK((later.bottleneck(now) == Bottleneck::buffers));
        CHECK((now.bottleneck(now) == Bottleneck::none));
    }
}

TEST_CASE("a queue that is short of slots says so") {
    constexpr unsigned depth = 4;
    constexpr std::size_t reads = 16;
    SKIP_WITHOUT_KERNEL_AIO("there are no slots");
    aioxx::Queue queue{{.depth = depth}};
    const aioxx::File file = disk_file(O_RDONLY | O_DIRECT, std::string(4096, 'x'));
    Outcomes outcomes{reads};
    for (std::size_t i = 0; i < reads; ++i) {
        queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(i));
    }
    CHECK(queue.statistics().waited_for_slots == reads - queue.depth());
    CHECK((queue.statistics().bottleneck() == aioxx::Bottleneck::slots));
    queue.run();
    CHECK(outcomes.all() == reads);
}

TEST_CASE("a queue whose pool has too few buffers says so") {
    aioxx::BufferPool pool{2, 4096};
    aioxx::Queue queue;
    Outcomes outcomes{3};
    for (std::size_t i = 0; i < 2; ++i) {
        queue.buffer(pool).start(outcomes.at(i));
    }
    queue.run();
    CHECK((queue.statistics().bottleneck() == aioxx::Bottleneck::none));
    const aioxx::AlignedBuffer taken = pool.try_take(); // the outcomes have given theirs back
    const aioxx::AlignedBuffer other = pool.try_take();
    const aioxx::OperationId third = queue.buffer(pool).start(outcomes.at(2));
    CHECK(queue.statistics().waited_for_buffers == 1);
    CHECK((queue.statistics().bottleneck() == aioxx::Bottleneck::buffers));
    queue.cancel(third);
    queue.run();
}
