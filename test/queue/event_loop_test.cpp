// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/running_engine.hpp"
#include "queue/files.hpp"

#include <chrono>
#include <thread>

#include <poll.h>
#include <sys/epoll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

aioxx::Queue::Options for_a_loop(unsigned depth = 32) {
    aioxx::Queue::Options options;
    options.depth = depth;
    options.use_event_fd = true;
    return options;
}

/// An event loop, as a program has one.
class Loop {
public:
    Loop(const aioxx::Queue& queue, std::uint32_t mode)
        : epoll_(aioxx::File::adopt(::epoll_create1(EPOLL_CLOEXEC))) {
        epoll_event event{};
        event.events = EPOLLIN | mode;
        REQUIRE(::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, queue.event_fd(), &event) == 0);
    }

    /// Runs until `done()`; false when nothing was readable for 30 seconds: a wakeup was lost.
    template <typename Done>
    bool run(aioxx::Queue& queue, Done done) {
        while (!done()) {
            epoll_event event{};
            const int ready = ::epoll_wait(epoll_.fd(), &event, 1, 10'000);
            if (ready == 0) {
                return false;
            }
            queue.run_ready();
        }
        return true;
    }

    [[nodiscard]] bool is_readable() {
        epoll_event event{};
        return ::epoll_wait(epoll_.fd(), &event, 1, 0) == 1;
    }

private:
    aioxx::File epoll_;
};

constexpr std::uint32_t modes[] = {0, EPOLLET};

} // namespace

TEST_CASE("an event loop gets every completion of a deep load, level- and edge-triggered") {
    const std::string content(64 * 4096, 'x');
    const aioxx::File direct = disk_file(O_RDWR | O_DIRECT, content);
    const aioxx::File buffered = disk_file(O_RDWR, content);
    for (const std::uint32_t mode : modes) {
        aioxx::Queue queue{for_a_loop()};
        Loop loop{queue, mode};
        constexpr unsigned total = 4000;
        unsigned started = 0;
        unsigned completed = 0;
        struct Chain {
            aioxx::Queue* queue;
            const aioxx::File* file;
            aioxx::AlignedBuffer buffer{4096, 4096};
            unsigned* started;
            unsigned* completed;
            void next() {
                if (*started < total) {
                    const std::int64_t at = std::int64_t{*started % 64} * 4096;
                    ++*started;
                    queue->read(*file, buffer, at).start([this](const aioxx::Completion& done) {
                        *completed += done.result() == 4096 ? 1U : 0U;
                        next();
                    });
                }
            }
        };
        std::vector<Chain> chains(100);
        for (std::size_t i = 0; i < chains.size(); ++i) {
            chains[i].queue = &queue;
            chains[i].file = i % 2 == 0 ? &direct : &buffered;
            chains[i].started = &started;
            chains[i].completed = &completed;
            chains[i].next();
        }
        CHECK(loop.run(queue, [&] { return queue.outstanding() == 0; }));
        CHECK(completed == total);
    }
}

TEST_CASE("what is started in a callback wakes the loop that is edge-triggered") {
    aioxx::Queue queue{for_a_loop()};
    Loop loop{queue, EPOLLET};
    const aioxx::File file = disk_file(O_RDWR, "content");
    const aioxx::File unreadable = disk_file(O_WRONLY);
    aioxx::AlignedBuffer buffer{4096, 4096};
    int error = 0;
    queue.read(file, buffer, 0).start([&](const aioxx::Completion&) {
        queue.read(unreadable, buffer, 0).start([&](const aioxx::Completion& done) {
            error = done.error().value();
        });
    });
    CHECK(loop.run(queue, [&] { return queue.outstanding() == 0; }));
    CHECK(error == EBADF);
}

TEST_CASE("completions that need no kernel make the eventfd readable") {
    aioxx::Queue queue{for_a_loop()};
    Loop loop{queue, EPOLLET};
    const Ends pipe = make_pipe();
    const aioxx::OperationId id = queue.poll(pipe.reader, POLLIN).start([](auto&) {});
    CHECK(queue.cancel(id) != aioxx::Cancellation::too_late);
    CHECK(loop.run(queue, [&] { return queue.outstanding() == 0; }));
    bool slept = false;
    queue.sleep_for(0ns).start([&](const aioxx::Completion&) { slept = true; });
    CHECK(loop.run(queue, [&] { return slept; }));
}

TEST_CASE("sleeps wake an event loop, one after the other") {
    for (const std::uint32_t mode : modes) {
        aioxx::Queue queue{for_a_loop()};
        Loop loop{queue, mode};
        std::vector<int> order;
        const auto start =
            std::chrono::steady_clock::now(); // one for all: this thread may be held up
        for (const int i : {3, 1, 2, 4}) {
            queue.sleep_until(start + i * 20ms).start([&, i](const aioxx::Completion&) {
                order.push_back(i);
            });
        }
        CHECK(loop.run(queue, [&] { return order.size() == 4; }));
        CHECK(order == std::vector<int>{1, 2, 3, 4});
    }
}

TEST_CASE("a sleep that is started by a sleep wakes the event loop") {
    aioxx::Queue queue{for_a_loop()};
    Loop loop{queue, EPOLLET};
    int left = 5;
    struct Again {
        aioxx::Queue* queue;
        int* left;
        void operator()(const aioxx::Completion&) const {
            if (--*left > 0) {
                queue->sleep_for(1ms).start(*this);
            }
        }
    };
    queue.sleep_for(1ms).start(Again{&queue, &left});
    CHECK(loop.run(queue, [&] { return left == 0; }));
}

TEST_CASE("an earlier sleep that comes later wakes the event loop first") {
    aioxx::Queue queue{for_a_loop()};
    Loop loop{queue, 0};
    bool late = false;
    bool early = false;
    queue.sleep_for(1h).start([&](const aioxx::Completion&) { late = true; });
    queue.sleep_for(5ms).start([&](const aioxx::Completion&) { early = true; });
    CHECK(loop.run(queue, [&] { return early; }));
    CHECK_FALSE(late);
}

TEST_CASE("a deadline wakes an event loop that nothing else would wake") {
    aioxx::Queue queue{for_a_loop()};
    Loop loop{queue, EPOLLET};
    const Ends pipe = make_pipe();
    bool timed_out = false;
    queue.poll(pipe.reader, POLLIN).within(5ms).start([&](const aioxx::Completion& done) {
        timed_out = done.timed_out();
    });
    CHECK(loop.run(queue, [&] { return queue.outstanding() == 0; }));
    CHECK(timed_out);
}

TEST_CASE("a posted call wakes an event loop") {
    aioxx::Queue queue{for_a_loop()};
    Loop loop{queue, EPOLLET};
    unsigned called = 0;
    std::thread other{[&] {
        for (unsigned i = 0; i < 1000; ++i) {
            queue.post([&called] { ++called; });
        }
    }};
    CHECK(loop.run(queue, [&] { return called == 1000; }));
    other.join();
}

TEST_CASE("a place that cancelling sets free is taken by what waits for it") {
    aioxx::Queue queue{for_a_loop(1)};
    Loop loop{queue, EPOLLET};
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(8192, 'x'));
    aioxx::AlignedBuffer first{4096, 4096};
    aioxx::AlignedBuffer second{4096, 4096};
    std::int64_t result = 0;
    bool cancelled = false;
    queue.sleep_for(0ns).start([&](const aioxx::Completion&) { // what is started waits for its end
        const aioxx::OperationId id =
            queue.read(file, first, 0).start([&](const aioxx::Completion& done) {
                cancelled = done.cancelled();
            });
        queue.read(file, second, 4096).start([&](const aioxx::Completion& done) {
            result = done.result();
        });
        CHECK(queue.cancel(id) == aioxx::Cancellation::cancelled);
    });
    CHECK(loop.run(queue, [&] { return cancelled && queue.outstanding() == 0; }));
    CHECK(result == 4096);
}

TEST_CASE("run_ready() does not block, and says how much it has delivered") {
    aioxx::Queue queue{for_a_loop()};
    const Ends pipe = make_pipe();
    CHECK(queue.run_ready() == 0);
    unsigned ready = 0;
    queue.poll(pipe.reader, POLLIN).start([&](const aioxx::Completion&) { ++ready; });
    CHECK(queue.run_ready() == 0);
    pipe.fill("x");
    CHECK(queue.run_once());
    CHECK(ready == 1);
    CHECK(queue.run_ready() == 0);
}

TEST_CASE("nothing is readable when there is nothing to do") {
    aioxx::Queue queue{for_a_loop()};
    Loop loop{queue, 0};
    const aioxx::File file = disk_file(O_RDWR, "content");
    aioxx::AlignedBuffer buffer{4096, 4096};
    std::size_t bytes = 0;
    queue.read(file, buffer, 0).start([&](const aioxx::Completion& done) { bytes = done.bytes(); });
    CHECK(loop.run(queue, [&] { return queue.outstanding() == 0; }));
    CHECK(bytes == 7);
    queue.run_ready();
    CHECK_FALSE(loop.is_readable());
}

TEST_CASE("a loop that never waits in the queue keeps no thread of it when workers are idle") {
    const std::size_t threads = count_threads();
    aioxx::Queue::Options options = for_a_loop();
    options.worker_idle = 1ms;
    aioxx::Queue queue{options};
    const aioxx::File file = disk_file(O_RDWR, "content");
    for (const std::uint32_t mode : modes) {
        Loop loop{queue, mode};
        std::int64_t result = 0;
        queue.write(file, bytes_of("more"), 0)
            .with(aioxx::RwFlags::append)
            .start([&](const aioxx::Completion& done) { result = done.result(); });
        CHECK(loop.run(queue, [&] { return queue.outstanding() == 0; }));
        CHECK(result == 4);
        CHECK(queue.statistics().offloaded > 0);
        CHECK(eventually([&] {
            if (loop.is_readable()) {
                queue.run_ready();
            }
            return count_threads() <= threads; // that of a queue before may still have been there
        }));
    }
}

TEST_CASE("event_fd() needs its option") {
    const aioxx::Queue queue;
    CHECK_THROWS_AS(static_cast<void>(queue.event_fd()), std::system_error);
}
