// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What a callback may do with its own queue, and that running one comes to an end.
#include "devices/fuse_server.hpp"
#include "eventually.hpp"
#include "queue/files.hpp"
#include "skip.hpp"
#include "threads.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr unsigned many = 100'000;

/// A read that is past its deadline, and whose buffer is the queue's, on storage that does not
/// answer before the gate is opened.
struct LateRead {
    FuseServer server;
    aioxx::File file{aioxx::File::open(server.file("gate").c_str(), O_RDWR | O_DIRECT)};

    /// `callback` is called while the server has the read.
    template <typename Callback>
    void start(aioxx::Queue& queue, std::chrono::nanoseconds span, Callback callback) {
        server.close_gate();
        queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0)
            .within(span)
            .start(std::move(callback));
        server.await_waiting(1);
    }
    void end(aioxx::Queue& queue) {
        server.open_gate();
        CHECK(eventually([&queue] {
            queue.run_ready();
            return queue.statistics().quarantined == 0;
        }));
    }
};

int errno_of(const std::function<void()>& call) {
    try {
        call();
        return 0;
    } catch (const std::system_error& error) {
        return error.code().value();
    }
}

/// Starts itself again as long as it may, each time to end at once.
struct Again {
    aioxx::Queue* queue;
    unsigned* times;
    bool* wanted;

    void operator()(const aioxx::Completion&) const {
        if (++*times < many && *wanted) {
            queue->sleep_for(0ns).start(*this);
        }
    }
};

aioxx::Task<> go_on(aioxx::Queue& queue, unsigned& times, const bool& wanted) {
    while (++times < many && wanted) {
        co_await queue.sleep_for(0ns);
    }
}

aioxx::Task<int> run_within(aioxx::Queue& queue) {
    co_await queue.sleep_for(0ns);
    co_return errno_of([&queue] { aioxx::run(queue, run_within(queue)); });
}

} // namespace

TEST_CASE("a callback that is told of a time-out stays while it runs the queue to the disk's end") {
    auto late = attempt<LateRead>();
    if (!late) {
        SKIP_CASE(late.reason());
    }
    aioxx::Queue queue;
    Outcomes others{1};
    const auto kept = std::make_shared<int>();
    long kept_by = 0;
    late->start(queue, 100ms, [&, kept](const aioxx::Completion& done) {
        CHECK(done.timed_out());
        late->end(queue);
        kept_by = kept.use_count();
        queue.sleep_for(0ns).start(others.at(0));
    });
    queue.run();
    CHECK(kept_by == 2);
    CHECK(kept.use_count() == 1);
    CHECK(others.once_each());
}

TEST_CASE("a callback that is told of a time-out stays while it closes the queue") {
    auto late = attempt<LateRead>();
    if (!late) {
        SKIP_CASE(late.reason());
    }
    aioxx::Queue queue;
    Outcomes others{2};
    const Ends pipe = make_pipe();
    const auto kept = std::make_shared<int>();
    long kept_by = 0;
    std::optional<aioxx::Queue::Left> left;
    queue.poll(pipe.reader, POLLIN).start(others.at(0));
    queue.sleep_for(1h).start(others.at(1));
    late->start(queue, 100ms, [&, kept](const aioxx::Completion&) {
        late->server.open_gate();
        left = queue.close_for(1h);
        kept_by = kept.use_count();
    });
    queue.run();
    CHECK(kept_by == 2);
    CHECK(kept.use_count() == 1);
    REQUIRE(left);
    CHECK(left->outstanding == 0);
    CHECK(left->quarantined == 0);
    CHECK(others.once_each());
}

TEST_CASE("a callback that the destructor calls may run the queue to the disk's end") {
    auto late = attempt<LateRead>();
    if (!late) {
        SKIP_CASE(late.reason());
    }
    const auto kept = std::make_shared<int>();
    long kept_by = 0;
    {
        aioxx::Queue queue;
        late->start(queue, 1h, [&, kept](const aioxx::Completion&) {
            late->end(queue);
            kept_by = kept.use_count();
        });
    }
    CHECK(kept_by == 2);
    CHECK(kept.use_count() == 1);
}

TEST_CASE("inside a callback run_ready() delivers what has completed beside it") {
    aioxx::Queue queue;
    unsigned ends = 0;
    std::size_t inside = 0;
    queue.sleep_for(0ns).start([&](auto&) {
        inside = queue.run_ready();
        CHECK(ends == 2);
    });
    queue.sleep_for(0ns).start([&](auto&) { ++ends; });
    queue.sleep_for(0ns).start([&](auto&) { ++ends; });
    CHECK(queue.run_ready() == 1);
    CHECK(inside == 2);
    CHECK(queue.outstanding() == 0);
}

TEST_CASE("inside a posted call run_ready() makes the calls behind it, in their order") {
    aioxx::Queue queue;
    std::vector<int> order;
    queue.post([&] {
        queue.post([&] { order.push_back(3); });
        CHECK(queue.run_ready() == 2);
        CHECK(queue.run_ready() == 1);
        order.push_back(4);
    });
    queue.post([&] { order.push_back(1); });
    queue.post([&] { order.push_back(2); });
    queue.run();
    CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("callbacks that all run the queue take a bounded stack, and each is called once") {
    aioxx::Queue queue;
    constexpr unsigned count = 20'000;
    unsigned called = 0;
    unsigned nested = 0;
    unsigned deepest = 0;
    for (unsigned i = 0; i < count; ++i) {
        queue.sleep_for(0ns).start([&](auto&) {
            ++called;
            deepest = std::max(deepest, ++nested);
            queue.run_ready();
            --nested;
        });
    }
    queue.run();
    CHECK(called == count);
    CHECK(deepest == 32);
}

TEST_CASE(
    "callbacks that all close the queue take a bounded stack, and the outermost sees the end") {
    aioxx::Queue queue;
    constexpr unsigned count = 20'000;
    unsigned called = 0;
    for (unsigned i = 0; i < count; ++i) {
        queue.sleep_for(1h).start([&](auto&) {
            ++called;
            static_cast<void>(queue.close_for(1h));
        });
    }
    CHECK(queue.close_for(1h).outstanding == 0);
    CHECK(called == count);
}

TEST_CASE("to wait for the queue inside its own callback, posted call or task is EDEADLK") {
    aioxx::Queue queue;
    bool begun = false;
    const auto begin = [&begin = begun]() -> aioxx::Task<> {
        begin = true;
        co_return;
    };
    unsigned refused = 0;
    const auto wait = [&] {
        refused += errno_of([&] { queue.run(); }) == EDEADLK;
        refused += errno_of([&] { queue.run_once(); }) == EDEADLK;
        refused += errno_of([&] { aioxx::run(queue, begin()); }) == EDEADLK;
    };
    queue.sleep_for(0ns).start([&](auto&) { wait(); });
    queue.run();
    CHECK(refused == 3);
    queue.post([&] { wait(); });
    queue.run();
    CHECK(refused == 6);
    CHECK_FALSE(begun);
    CHECK(aioxx::run(queue, run_within(queue)) == EDEADLK);
    aioxx::run(queue, begin());
    CHECK(begun);
}

TEST_CASE("inside a callback another queue can be run") {
    aioxx::Queue queue;
    aioxx::Queue other;
    Outcomes outcomes{1};
    queue.sleep_for(0ns).start([&](auto&) {
        other.sleep_for(0ns).start(outcomes.at(0));
        other.run();
    });
    queue.run();
    CHECK(outcomes.once_each());
}

TEST_CASE("run_ready() delivers what was complete when it began, and not what that begins") {
    aioxx::Queue queue;
    unsigned times = 0;
    bool wanted = true;
    queue.sleep_for(0ns).start(Again{&queue, &times, &wanted});
    CHECK(queue.run_ready() == 1);
    CHECK(times == 1);
    CHECK(queue.run_ready() == 1);
    CHECK(times == 2);
    wanted = false;
    queue.run();
}

TEST_CASE(
    "run_ready() leaves what a callback has submitted by flush(), and has completed at once") {
    aioxx::Queue queue;
    const aioxx::File zero = aioxx::File::open("/dev/zero", O_RDONLY);
    std::array<std::byte, 16> buffer{};
    unsigned times = 0;
    std::function<void(const aioxx::Completion&)> again = [&](const aioxx::Completion&) {
        if (++times < many) {
            queue.read(zero, buffer, 0).start(std::ref(again));
            queue.flush();
        }
    };
    queue.read(zero, buffer, 0).start(std::ref(again));
    CHECK(eventually([&] { return queue.run_ready() > 0; }));
    CHECK(times == 1);
    times = many;
    queue.run();
}

TEST_CASE("run_ready() comes to an end beside a task that goes on with what completes at once") {
    aioxx::Queue queue;
    unsigned times = 0;
    bool wanted = true;
    aioxx::spawn(queue, go_on(queue, times, wanted));
    CHECK(queue.run_ready() == 1);
    CHECK(times == 2);
    wanted = false;
    queue.run();
}

TEST_CASE("stop() ends a run() whose callbacks go on with what completes at once") {
    aioxx::Queue queue;
    unsigned times = 0;
    bool wanted = true;
    queue.sleep_for(0ns).start(Again{&queue, &times, &wanted});
    queue.sleep_for(0ns).start([&](auto&) { queue.stop(); });
    queue.run();
    CHECK(times == 1);
    wanted = false;
    queue.run();
    CHECK(times == 2);
}

TEST_CASE("a deadline is kept beside callbacks that go on with what completes at once") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    bool wanted = true;
    unsigned times = 0;
    unsigned long all = 0;
    std::function<void(const aioxx::Completion&)> again = [&](const aioxx::Completion&) {
        times = 0;
        if (++all < 5'000'000 && wanted) {
            queue.sleep_for(0ns).start(std::ref(again));
        }
    };
    std::int64_t result = 0;
    queue.poll(pipe.reader, POLLIN).within(1ms).start([&](const aioxx::Completion& done) {
        result = done.result();
        wanted = false;
    });
    queue.sleep_for(0ns).start(std::ref(again));
    queue.run();
    CHECK(result == -ETIMEDOUT);
    CHECK(all < 5'000'000);
}

TEST_CASE("an event loop is woken for what run_ready() has left") {
    aioxx::Queue::Options options;
    options.use_event_fd = true;
    aioxx::Queue queue{options};
    unsigned times = 0;
    bool wanted = true;
    queue.sleep_for(0ns).start(Again{&queue, &times, &wanted});
    CHECK(queue.run_ready() == 1);
    pollfd readable{queue.event_fd(), POLLIN, 0};
    CHECK(::poll(&readable, 1, 10'000) == 1);
    wanted = false;
    CHECK(queue.run_ready() == 1);
    CHECK(::poll(&readable, 1, 0) == 0);
}

TEST_CASE(
    "what a callback or a posted call holds cannot wait for the queue when it goes: EDEADLK") {
    aioxx::Queue queue;
    unsigned refused = 0;
    const auto held = [&] {
        return std::shared_ptr<void>{nullptr, [&](void*) {
                                         refused += errno_of([&] { queue.run(); }) == EDEADLK;
                                         refused += errno_of([&] { queue.run_once(); }) == EDEADLK;
                                     }};
    };
    queue.sleep_for(0ns).start([held = held()](auto&) {});
    queue.run();
    CHECK(refused == 2);
    queue.post([held = held()] {});
    queue.run();
    CHECK(refused == 4);
}

TEST_CASE("what callbacks hold takes a bounded stack when it runs the queue as it goes") {
    aioxx::Queue queue;
    constexpr unsigned count = 20'000;
    unsigned gone = 0;
    unsigned nested = 0;
    unsigned deepest = 0;
    for (unsigned i = 0; i < count; ++i) {
        std::shared_ptr<void> held{nullptr, [&](void*) {
                                       ++gone;
                                       deepest = std::max(deepest, ++nested);
                                       queue.run_ready();
                                       --nested;
                                   }};
        if (i % 2 == 0) {
            queue.sleep_for(0ns).start([held = std::move(held)](auto&) {});
        } else {
            queue.post([held = std::move(held)] {});
        }
    }
    queue.run();
    CHECK(gone == count);
    CHECK(deepest == 32);
}
