// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// PoolWaits for a pool's buffer, and what becomes of buffers in operations.
#include "child.hpp"
#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"
#include "task/foreign.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::AlignedBuffer;
using aioxx::BufferPool;
using aioxx::Completion;
using aioxx::Queue;

namespace {

/// What waits notes its letter, and its error behind it, and keeps the buffer.
struct PoolWaits {
    std::string ended;
    std::vector<AlignedBuffer> kept;
    std::optional<BufferPool> pool{std::in_place, 1, 4096};
    std::optional<Queue> queue{std::in_place};

    auto noting(char letter) {
        return [this, letter](Completion& done) {
            ended += letter;
            ended += done.error() == std::errc::timed_out            ? "t"
                     : done.error() == std::errc::operation_canceled ? "c"
                     : done.error() || done.buffer().size() != 4096  ? "?"
                                                                     : "";
            if (!done.error()) {
                kept.push_back(done.take_buffer());
            }
        };
    }
    aioxx::OperationId wait(char letter) { return queue->buffer(*pool).start(noting(letter)); }
};

Foreign takes_buffer(Queue& queue, BufferPool& pool, std::string& ended, char letter) {
    static_cast<void>(co_await queue.buffer(pool).completion());
    ended += letter;
}

/// A file that does not answer until its gate is opened.
struct SilentFile {
    FuseServer server;
    aioxx::File file{aioxx::File::open(server.file("gate").c_str(), O_RDWR | O_DIRECT)};

    SilentFile() { server.close_gate(); }
    ~SilentFile() { server.open_gate(); }
};

aioxx::Task<> uses_buffers(Queue& queue, BufferPool& pool, std::atomic<int>& out, bool& wrong,
                           int rounds) {
    for (; rounds > 0; --rounds) {
        const AlignedBuffer buffer = co_await queue.buffer(pool);
        wrong |= ++out > static_cast<int>(pool.count());
        co_await queue.sleep_for(10us);
        --out;
    }
}

} // namespace

TEST_CASE("a buffer that is there is given by the next delivery, and not before") {
    PoolWaits all;
    all.wait('a');
    CHECK(all.ended.empty());
    CHECK(all.pool->available() == 0);
    all.queue->run();
    CHECK(all.ended == "a");
}

TEST_CASE("buffers are given in the order in which they were asked for, and not to who tries") {
    PoolWaits all;
    for (const char letter : {'a', 'b', 'c'}) {
        all.wait(letter);
    }
    CHECK(all.pool->waiting() == 2);
    for (int given = 0; given < 2; ++given) {
        all.queue->run_ready();
        REQUIRE(all.kept.size() == 1);
        all.kept.clear();
        CHECK(all.pool->try_take().data() == nullptr);
    }
    all.queue->run();
    all.kept.clear();
    CHECK(all.ended == "abc");
    CHECK(all.pool->available() == 1);
    CHECK(all.pool->waiting() == 0);
}

TEST_CASE("buffers that come back together are told of in the order in which they were given") {
    PoolWaits all;
    all.pool.emplace(3, 4096);
    for (int i = 0; i < 3; ++i) {
        all.kept.push_back(all.pool->try_take());
    }
    for (const char letter : {'a', 'b', 'c'}) {
        all.wait(letter);
    }
    std::exchange(all.kept, {}).clear();
    all.queue->run();
    CHECK(all.ended == "abc");
}

TEST_CASE("what asks when a buffer is there comes behind those that were given one before") {
    PoolWaits all;
    all.pool.emplace(2, 4096);
    std::optional<AlignedBuffer> first{all.pool->try_take()};
    std::optional<AlignedBuffer> second{all.pool->try_take()};
    all.wait('a');
    first.reset();
    second.reset();
    all.wait('b');
    all.queue->run();
    CHECK(all.ended == "ab");
}

TEST_CASE("a pool's buffer that is moved into an operation comes back with the completion") {
    const aioxx::File file = disk_file(O_RDWR, "from the file");
    BufferPool pool{1, 4096};
    Queue queue;
    const auto copies = [](Queue& on, const aioxx::File& from,
                           BufferPool& memory) -> aioxx::Task<> {
        AlignedBuffer buffer = co_await on.buffer(memory);
        const std::byte* const place = buffer.data();
        std::ranges::fill(buffer, std::byte{0}); // what is written has to be defined
        aioxx::Transfer read = co_await on.read_full(from, std::move(buffer), 0);
        CHECK(read.buffer.data() == place);
        CHECK(text_of(read.buffer.first(read.bytes)) == "from the file");
        CHECK(memory.available() == 0);
        const aioxx::Transfer written = co_await on.write_all(from, std::move(read.buffer), 4096);
        CHECK(written.buffer.data() == place);
    };
    aioxx::run(queue, copies(queue, file, pool));
    CHECK(pool.available() == 1);
    CHECK(content_of(file).substr(4096, 13) == "from the file");
    queue.read(file, pool.try_take(), 0).start([](const Completion&) {});
    queue.run();
    CHECK(pool.available() == 1);
}

TEST_CASE("the buffer of what was refused is still there, and goes back with it") {
    BufferPool pool{1, 4096};
    Queue queue;
    const aioxx::File closed;
    {
        auto operation = queue.read(closed, pool.try_take(), 0);
        std::error_code error;
        operation.start([](const Completion&) {}, error);
        CHECK(error == std::errc::bad_file_descriptor);
        CHECK(pool.available() == 0);
    }
    CHECK(pool.available() == 1);
}

TEST_CASE("the buffer of what was given up goes back when the kernel lets go of it") {
    auto silent = attempt<SilentFile>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    BufferPool pool{1, 4096};
    Queue queue;
    Outcomes outcomes{2};
    queue.read(silent->file, pool.try_take(), 0).within(1s).start(outcomes.at(0));
    queue.buffer(pool).start(outcomes.at(1));
    silent->server.await_waiting(1);
    while (outcomes.all() == 0) {
        queue.run_once();
    }
    CHECK(outcomes[0] == -ETIMEDOUT);
    CHECK(queue.quarantined() == 1);
    CHECK(pool.waiting() == 1);
    silent->server.open_gate();
    queue.run();
    CHECK(outcomes[1] == 0);
    CHECK(pool.available() == 1);
}

TEST_CASE("a buffer that the kernel has outlives queue and pool") {
    SKIP_UNDER_VALGRIND("io_destroy that waits keeps every other thread from running");
    auto silent = attempt<SilentFile>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    BufferPool other{1, 4096};
    std::optional<BufferPool> pool{std::in_place, 1, 4096};
    {
        Queue queue;
        queue.read(silent->file, pool->try_take(), 0).start([](const Completion&) {});
        queue.read(silent->file, other.try_take(), 0).start([](const Completion&) {});
        silent->server.await_waiting(2);
    }
    pool.reset();
    CHECK(other.available() == 0);
    silent->server.open_gate();
    Queue waits;
    waits.buffer(other).start([](const Completion& done) { CHECK_FALSE(done.error()); });
    waits.run(); // the thread in the background gives it back
    CHECK(other.available() == 1);
}

TEST_CASE("a wait that has timed out, or was cancelled, takes no buffer from another") {
    PoolWaits all;
    all.kept.push_back(all.pool->try_take());
    const aioxx::OperationId first = all.wait('a');
    all.queue->buffer(*all.pool).within(0s).start(all.noting('b'));
    all.queue->buffer(*all.pool).within(1ms).start(all.noting('c'));
    all.wait('d');
    CHECK(all.queue->cancel(first) == aioxx::Cancellation::cancelled);
    while (all.ended.size() < 6) {
        all.queue->run_once();
    }
    CHECK(all.ended.find("ac") != std::string::npos);
    CHECK(all.ended.find("bt") != std::string::npos);
    CHECK(all.ended.find("ct") != std::string::npos);
    CHECK(all.pool->waiting() == 1);
    all.kept.clear();
    all.queue->run();
    CHECK(all.ended.back() == 'd');
    all.kept.clear();
    // There would be one, and the time is over all the same.
    all.queue->buffer(*all.pool).within(0s).start(all.noting('e'));
    all.queue->run();
    CHECK(all.ended.substr(7) == "et");
    CHECK(all.pool->available() == 1);
}

TEST_CASE("what was given a buffer is told well, also when it is cancelled or its time is over") {
    PoolWaits all;
    all.kept.push_back(all.pool->try_take());
    const aioxx::OperationId id = all.queue->buffer(*all.pool).within(50ms).start(all.noting('a'));
    all.kept.clear();
    const auto end = std::chrono::steady_clock::now() + 50ms;
    while (std::chrono::steady_clock::now() <= end) {
    }
    SUBCASE("cancelled") {
        CHECK(all.queue->cancel(id) == aioxx::Cancellation::too_late);
    }
    SUBCASE("late") {}
    all.queue->run();
    CHECK(all.ended == "a");
    CHECK(all.kept.size() == 1);
}

TEST_CASE("a buffer that was given to a coroutine which is destroyed is the next one's") {
    PoolWaits all;
    all.kept.push_back(all.pool->try_take());
    {
        const Foreign gone = takes_buffer(*all.queue, *all.pool, all.ended, 'a');
        all.wait('b');
        all.kept.clear();
    }
    CHECK(all.pool->waiting() == 0);
    all.queue->run();
    CHECK(all.ended == "b");
    { const Foreign waits_in_vain = takes_buffer(*all.queue, *all.pool, all.ended, 'c'); }
    CHECK(all.pool->waiting() == 0);
    all.kept.clear();
    CHECK(all.pool->available() == 1);
}

TEST_CASE("a pool that is destroyed ends what waits, and what was given a buffer keeps it") {
    PoolWaits all;
    all.wait('a');
    all.wait('b');
    all.pool.reset();
    all.queue->run();
    CHECK(all.ended == "abc"); // a well, b cancelled
    CHECK(all.kept.at(0).size() == 4096);
}

TEST_CASE("a queue that ends first ends what waits, and the pool goes on") {
    PoolWaits all;
    all.kept.push_back(all.pool->try_take());
    all.wait('a');
    all.queue.reset();
    CHECK(all.ended == "ac");
    CHECK(all.pool->waiting() == 0);
    all.kept.clear();
    CHECK(all.pool->available() == 1);
}

TEST_CASE("a buffer that was given and not delivered is delivered by the queue's end") {
    PoolWaits all;
    all.kept.push_back(all.pool->try_take());
    all.wait('a');
    all.kept.clear();
    all.queue.reset();
    CHECK(all.ended == "a");
    all.kept.clear();
    CHECK(all.pool->available() == 1);
}

TEST_CASE("a stop token ends a wait for a buffer") {
    BufferPool pool{1, 4096};
    const AlignedBuffer out = pool.try_take();
    Queue queue;
    std::stop_source source;
    const auto waits = [](Queue& on, BufferPool& memory, std::stop_token token) -> aioxx::Task<> {
        const Completion done =
            co_await on.buffer(memory).stopped_by(std::move(token)).completion();
        CHECK(done.cancelled());
    };
    std::jthread other;
    queue.post([&] { other = std::jthread{[&] { source.request_stop(); }}; });
    aioxx::run(queue, waits(queue, pool, source.get_token()));
    CHECK(pool.waiting() == 0);
}

TEST_CASE("a buffer that comes back on another thread wakes the queue") {
    PoolWaits all;
    all.kept.push_back(all.pool->try_take());
    all.wait('a');
    std::jthread other;
    all.queue->post([&] { other = std::jthread{[buffer = std::exchange(all.kept, {})] {}}; });
    all.queue->run();
    CHECK(all.ended == "a");
}

TEST_CASE("with an event loop a buffer that comes back makes the event descriptor readable") {
    PoolWaits all;
    Queue::Options options;
    options.use_event_fd = true;
    all.queue.emplace(options);
    all.kept.push_back(all.pool->try_take());
    all.wait('a');
    all.queue->run_ready();
    pollfd look{all.queue->event_fd(), POLLIN, 0};
    CHECK(::poll(&look, 1, 0) == 0);
    all.kept.clear();
    CHECK(::poll(&look, 1, 0) == 1);
    all.queue->run_ready();
    CHECK(all.ended == "a");
}

TEST_CASE("queues of many threads share a pool, and no more buffers are out than there are") {
    constexpr int rounds = 200;
    BufferPool pool{2, 4096};
    std::atomic<int> out{0};
    std::array<bool, 3> wrong{};
    {
        std::vector<std::jthread> threads;
        for (bool& mine : wrong) {
            threads.emplace_back([&] {
                Queue queue;
                std::vector<aioxx::Task<>> tasks;
                for (int i = 0; i < 3; ++i) {
                    tasks.push_back(uses_buffers(queue, pool, out, mine, rounds));
                }
                aioxx::run(queue, aioxx::when_all(std::move(tasks)));
            });
        }
    }
    CHECK_FALSE((wrong[0] || wrong[1] || wrong[2]));
    CHECK(pool.available() == 2);
}

TEST_CASE("a queue may be destroyed by what was given a buffer, before the giver has returned") {
    for (int round = 0; round < 200; ++round) {
        BufferPool pool{1, 4096};
        std::optional<AlignedBuffer> out{pool.try_take()};
        std::optional<Queue> queue{std::in_place};
        queue->buffer(pool).start([](const Completion&) {});
        std::jthread other{[&] { out.reset(); }};
        queue->run();
        queue.reset();
    }
}

TEST_CASE("what waits for a buffer is listed as that, and may be one of a batch") {
    PoolWaits all;
    all.kept.push_back(all.pool->try_take());
    aioxx::Batch batch{*all.queue};
    batch.add(all.queue->buffer(*all.pool));
    batch.start();
    std::array<aioxx::OutstandingOperation, 2> list;
    REQUIRE(all.queue->list_outstanding(list) == 1);
    CHECK(list[0].place == aioxx::OperationPlace::queue);
    CHECK(list[0].kind_name() == std::string{"wait for buffer"});
    all.kept.clear();
    batch.wait();
    CHECK(batch.results()[0].buffer().size() == 4096);
}

TEST_CASE("in a forked child a parent's pool gives no queue a buffer") {
    SKIP_UNDER_VALGRIND("a child lacks the thread that still destroys an earlier queue");
    PoolWaits all;
    all.kept.push_back(all.pool->try_take());
    all.wait('a');
    const ChildEnd end = run_in_child([&] {
        Queue own;
        std::error_code error;
        own.buffer(*all.pool).start([](const Completion&) {}, error);
        all.kept.clear(); // tells nothing of it
        return error == std::errc::invalid_argument && all.ended.empty() ? 0 : 1;
    });
    CHECK(end.status == 0);
    all.kept.clear();
    all.queue->run();
    CHECK(all.ended == "a");
}
