// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// Memory that the kernel still writes into while everything around it goes. For AddressSanitizer,
// and, without it, for the bytes behind what was freed.

#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t count = 8;

/// A file whose transfers wait until its gate is opened.
struct Gated {
    FuseServer server;
    aioxx::File file{aioxx::File::open(server.file("gate").c_str(), O_RDWR | O_DIRECT)};

    Gated() { server.close_gate(); }
    ~Gated() { server.open_gate(); }
    /// From another thread, while this one waits for that.
    [[nodiscard]] std::thread open_later() {
        return std::thread{[this] { server.open_gate(); }};
    }
};

/// A task that reads into memory of its own frame.
aioxx::Task<> read_into_frame(aioxx::Queue& queue, const aioxx::File& file, unsigned& ends) {
    aioxx::AlignedBuffer buffer{4096, 4096};
    struct End {
        unsigned& ends;
        ~End() { ++ends; }
    } end{ends};
    co_await queue.read(file, buffer, 0);
}

aioxx::Task<> read_with_its_own_buffer(aioxx::Queue& queue, const aioxx::File& file) {
    co_await queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0);
}

} // namespace

TEST_CASE("a queue that is destroyed waits for borrowed memory, and delivers") {
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    std::vector<aioxx::AlignedBuffer> buffers;
    Outcomes outcomes{count};
    std::thread opener;
    {
        aioxx::Queue queue;
        for (std::size_t i = 0; i < count; ++i) {
            buffers.emplace_back(4096, 4096);
            queue.read(gated->file, buffers[i], 0).start(outcomes.at(i));
        }
        gated->server.await_waiting(count);
        opener = gated->open_later();
    }
    buffers.clear();
    opener.join();
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == 4096);
}

TEST_CASE("a queue that is destroyed leaves owned buffers to the kernel, and waits for none") {
    SKIP_WITHOUT_KERNEL_AIO("a server holds twelve workers, and no more");
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    Outcomes outcomes{2 * count};
    {
        aioxx::Queue queue;
        for (std::size_t i = 0; i < count; ++i) {
            queue.read(gated->file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(i));
            queue.write(gated->file, aioxx::AlignedBuffer{4096, 4096}, 4096)
                .start(outcomes.at(count + i));
        }
        gated->server.await_waiting(2 * count);
    } // the gate is closed
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == -ECANCELED);
    gated->server.open_gate();
}

TEST_CASE("a queue that is destroyed keeps the frames of its tasks until the kernel is done") {
    SKIP_WITHOUT_KERNEL_AIO("a server holds twelve workers, and no more");
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    unsigned ends = 0;
    std::thread opener;
    {
        aioxx::Queue queue;
        for (std::size_t i = 0; i < count; ++i) {
            aioxx::spawn(queue, read_into_frame(queue, gated->file, ends));
            aioxx::spawn(queue, read_with_its_own_buffer(queue, gated->file));
        }
        gated->server.await_waiting(2 * count);
        CHECK(ends == 0);
        opener = gated->open_later();
    }
    opener.join();
    CHECK(ends == count);
}

TEST_CASE("what a task waits for is kept when run() is left by another's exception") {
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    unsigned ends = 0;
    aioxx::Queue queue;
    for (std::size_t i = 0; i < count; ++i) {
        aioxx::spawn(queue, read_into_frame(queue, gated->file, ends));
    }
    gated->server.await_waiting(count);
    queue.sleep_for(0ns).start([](auto&) { throw std::runtime_error{"a callback"}; });
    CHECK_THROWS_WITH(queue.run(), "a callback");
    CHECK_THROWS_WITH(aioxx::run(queue,
                                 [](aioxx::Queue& on) -> aioxx::Task<> {
                                     co_await on.sleep_for(0ns);
                                     throw std::runtime_error{"a task"};
                                 }(queue)),
                      "a task");
    CHECK(ends == 0);
    gated->server.open_gate();
    queue.run();
    CHECK(ends == count);
}

TEST_CASE("what timed out with a buffer of its own is written to in quarantine") {
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    Outcomes outcomes{count};
    aioxx::Queue queue;
    for (std::size_t i = 0; i < count; ++i) {
        queue.read(gated->file, aioxx::AlignedBuffer{4096, 4096}, 0)
            .within(100ms)
            .start(outcomes.at(i));
    }
    gated->server.await_waiting(count);
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == -ETIMEDOUT);
    CHECK(queue.statistics().quarantined == count);
    gated->server.open_gate();
    const auto left = queue.close(std::chrono::steady_clock::now() + 1h);
    CHECK(left.quarantined == 0);
    CHECK(outcomes.once_each());
}

TEST_CASE("borrowed memory may go as soon as its operation has timed out") {
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    std::optional<aioxx::AlignedBuffer> buffer{std::in_place, 4096, 4096};
    aioxx::Queue queue;
    std::int64_t result = 0;
    queue.read(gated->file, *buffer, 0).within(100ms).start([&](const aioxx::Completion& done) {
        result = done.result();
        buffer.reset();
    });
    gated->server.await_waiting(1);
    queue.run();
    CHECK(result == -ETIMEDOUT);
    CHECK_FALSE(buffer.has_value());
    gated->server.open_gate();
    CHECK(queue.close_for(1h).quarantined == 0);
}

TEST_CASE("a File that is closed over its operations in flight leaves them to the kernel") {
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    std::vector<aioxx::AlignedBuffer> buffers;
    Outcomes outcomes{count};
    aioxx::Queue queue;
    for (std::size_t i = 0; i < count; ++i) {
        buffers.emplace_back(4096, 4096);
        queue.read(gated->file, buffers[i], 0).start(outcomes.at(i));
    }
    gated->server.await_waiting(count);
    gated->file.close();
    gated->server.open_gate();
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[count - 1] == 4096);
}

TEST_CASE("vectors are copied when the operation begins, and carried on from the copy") {
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    std::vector<aioxx::AlignedBuffer> buffers;
    auto vectors = std::make_unique<std::vector<iovec>>();
    for (std::size_t i = 0; i < 4; ++i) {
        buffers.emplace_back(4096, 4096);
        vectors->push_back({buffers[i].data(), 4096});
    }
    aioxx::Queue queue;
    std::int64_t result = 0;
    queue.readv(gated->file, *vectors, 0).start([&](const aioxx::Completion& done) {
        result = done.result();
    });
    vectors.reset();
    gated->server.await_waiting(1);
    gated->server.open_gate();
    queue.run();
    CHECK(result == 4 * 4096);
    CHECK(buffers[3].data()[0] == std::byte{24});
}

TEST_CASE("a Task that is dropped before it has begun has done nothing") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file();
    unsigned ends = 0;
    {
        auto task = read_into_frame(queue, file, ends);
        aioxx::Task<> other{std::move(task)};
        static_cast<void>(queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0));
    }
    CHECK(ends == 0);
    CHECK(queue.outstanding() == 0);
    CHECK(queue.statistics().started == 0);
}

TEST_CASE("callbacks that hold memory give it back with their operation, delivered or not") {
    auto gated = attempt<Gated>();
    if (!gated) {
        SKIP_CASE(gated.reason());
    }
    const auto held = std::make_shared<int>(1);
    {
        aioxx::Queue queue;
        const Ends pipe = make_pipe();
        queue.poll(pipe.reader, POLLIN).start([held](auto&) {});
        queue.sleep_for(1h).start([held](auto&) {});
        queue.read(gated->file, aioxx::AlignedBuffer{4096, 4096}, 0).start([held](auto&) {});
        queue.post([held] {});
        gated->server.await_waiting(1);
        CHECK(held.use_count() == 5);
    }
    CHECK(held.use_count() == 1);
}
