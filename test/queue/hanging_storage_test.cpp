// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "descriptors.hpp"
#include "devices/fuse_server.hpp"
#include "engine/watchdog.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <thread>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

/// A server that stops, and goes on at the latest when this ends.
struct Hanging {
    FuseServer server;
    aioxx::File file{aioxx::File::open(server.file("plain").c_str(), O_RDWR | O_DIRECT)};

    ~Hanging() { server.resume(); }
};

aioxx::Task<int> read_within(aioxx::Queue& queue, const aioxx::File& file) {
    try {
        co_await queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).within(1ms);
    } catch (const std::system_error& error) {
        co_return error.code().value();
    }
    co_return 0;
}

} // namespace

TEST_CASE("a deadline ends the wait for storage that hangs, and the buffer is in quarantine") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = aioxx::File::open(server->file("gate").c_str(), O_RDWR | O_DIRECT);
    aioxx::Queue queue;
    server->close_gate();
    bool has_buffer = true;
    std::int64_t result = 0;
    queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0)
        .within(100ms)
        .start([&](const aioxx::Completion& done) {
            result = done.result();
            has_buffer = done.buffer().data() != nullptr;
        });
    server->await_waiting(1); // also where a worker has to begin it
    queue.run();
    CHECK(result == -ETIMEDOUT);
    CHECK_FALSE(has_buffer);
    CHECK(queue.statistics().timed_out == 1);
    CHECK(queue.statistics().quarantined == 1);
    CHECK(queue.statistics().outstanding == 0);
    CHECK((queue.statistics().in_flight >= 1 || !queue.uses_kernel_aio()));
    server->open_gate();
    CHECK(queue.close(Clock::now() + 1h).quarantined == 0);
    CHECK(queue.statistics().quarantined == 0);
}

TEST_CASE("a queue that is short of workers says so") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = aioxx::File::open(server->file("gate").c_str(), O_RDONLY);
    Outcomes outcomes{3};
    aioxx::Queue queue{{.workers = 1}};
    server->close_gate();
    queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(0));
    server->await_waiting(1);
    const aioxx::QueueStatistics before = queue.statistics();
    CHECK(before.waited_for_workers == 0);
    CHECK((before.bottleneck() == aioxx::Bottleneck::none));
    queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(1));
    queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(2));
    CHECK(queue.statistics().waited_for_workers == 2);
    CHECK((queue.statistics().bottleneck(before) == aioxx::Bottleneck::workers));
    server->open_gate();
    queue.run();
    CHECK(outcomes.once_each());
}

TEST_CASE("a task that waits for storage that hangs is thrown timed_out, and its run() returns") {
    auto hanging = attempt<Hanging>();
    if (!hanging) {
        SKIP_CASE(hanging.reason());
    }
    aioxx::Queue queue;
    hanging->server.stop();
    CHECK(aioxx::run(queue, read_within(queue, hanging->file)) == ETIMEDOUT);
    CHECK(queue.statistics().quarantined <= 1); // what no worker has begun is taken back
    hanging->server.resume();
}

TEST_CASE("close() with a deadline returns from storage that hangs, and says what is left") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = aioxx::File::open(server->file("gate").c_str(), O_RDWR | O_DIRECT);
    aioxx::AlignedBuffer borrowed{4096, 4096};
    Outcomes outcomes{4};
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    server->close_gate();
    queue.read(file, borrowed, 0).start(outcomes.at(0));
    queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(1));
    queue.poll(pipe.reader, POLLIN).start(outcomes.at(2));
    queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).within(100ms).start(outcomes.at(3));
    server->await_waiting(3); // also where workers have to begin them
    const aioxx::Queue::Left left = queue.close(Clock::now() + 300ms);
    CHECK(left.outstanding == 2);
    CHECK(left.quarantined == 1);
    CHECK(outcomes[2] == -ECANCELED);
    CHECK(outcomes[3] == -ETIMEDOUT);
    std::error_code refused;
    queue.read(file, borrowed, 0).start([](auto&) {}, refused);
    CHECK(refused == std::errc::operation_canceled);
    CHECK(queue.outstanding() == 2);
    server->open_gate();
    const aioxx::Queue::Left nothing = queue.close(Clock::now() + 1h);
    CHECK(nothing.outstanding == 0);
    CHECK(nothing.quarantined == 0);
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == 4096);
    CHECK(outcomes[1] == 4096);
}

TEST_CASE("storage that hangs leaves workers for other files, and a queue of one has a second") {
    for (const unsigned workers : {16U, 4U, 1U}) {
        CAPTURE(workers);
        auto hanging = attempt<Hanging>();
        if (!hanging) {
            SKIP_CASE(hanging.reason());
        }
        const aioxx::File buffered =
            aioxx::File::open(hanging->server.file("plain").c_str(), O_RDONLY);
        const TemporaryFile content{{}, O_WRONLY | O_APPEND};
        const aioxx::File log = aioxx::File::borrow(content);
        const std::array<std::byte, 6> text{};
        constexpr std::size_t reads = 20;
        std::array<std::array<std::byte, 16>, reads> buffers{};
        constexpr std::size_t all = 2 * reads;
        Outcomes outcomes{all};
        aioxx::Queue queue{{.workers = workers}};
        hanging->server.stop();
        Watchdog watchdog{[&] { hanging->server.resume(); }};
        for (std::size_t i = 0; i < reads; ++i) {
            queue.read(buffered, std::span<std::byte>{buffers[i]}, 0).start(outcomes.at(i));
        }
        for (std::size_t i = reads; i < all; ++i) { // one after the other, each by a worker
            queue.write(log, std::span{text}, 0).start(outcomes.at(i));
            while (outcomes[i] == 0) {
                queue.run_once();
            }
            CHECK(outcomes[i] == 6);
        }
        watchdog.came_back();
        CHECK_FALSE(watchdog.opened_by_force());
        hanging->server.resume();
        queue.run();
        CHECK(outcomes.once_each());
        for (std::size_t i = 0; i < reads; ++i) {
            CHECK(outcomes[i] == 16);
        }
    }
}

TEST_CASE("the destructor does not wait for storage that hangs when it owns the memory") {
    auto hanging = attempt<Hanging>();
    if (!hanging) {
        SKIP_CASE(hanging.reason());
    }
    Outcomes outcomes{3};
    hanging->server.stop();
    Watchdog watchdog{[&] { hanging->server.resume(); }};
    {
        aioxx::Queue queue;
        queue.write_all(hanging->file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(0));
        queue.read(hanging->file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(1));
        queue.fsync(hanging->file).start(outcomes.at(2));
        CHECK(queue.run_ready() == 0);
    }
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(outcomes[i] == -ECANCELED);
    }
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
}

TEST_CASE("other files go on beside storage that hangs") {
    auto hanging = attempt<Hanging>();
    if (!hanging) {
        SKIP_CASE(hanging.reason());
    }
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    hanging->server.stop();
    Outcomes hung{20};
    for (std::size_t i = 0; i < 20; ++i) {
        queue.read(hanging->file, aioxx::AlignedBuffer{4096, 4096}, 0).start(hung.at(i));
    }
    unsigned done = 0;
    struct Again {
        aioxx::Queue* queue;
        const aioxx::File* file;
        aioxx::AlignedBuffer* buffer;
        unsigned* done;
        void operator()(const aioxx::Completion&) const {
            if (++*done < 100) {
                queue->read(*file, *buffer, 0).start(*this);
            }
        }
    };
    queue.read(file, buffer, 0).start(Again{&queue, &file, &buffer, &done});
    while (done < 100) {
        queue.run_once();
    }
    CHECK(hung.all() == 0);
    hanging->server.resume();
    queue.run();
    CHECK(hung.once_each());
}
