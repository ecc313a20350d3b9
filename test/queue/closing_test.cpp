// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// No program keeps a queue from closing.
#include "queue/files.hpp"
#include "skip.hpp"

#include <chrono>
#include <coroutine>
#include <memory>
#include <stdexcept>
#include <utility>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

/// A periodic timer that does not look at how it ended.
struct Timer {
    aioxx::Queue& queue;
    unsigned& ticks;

    void arm() {
        queue.sleep_for(1ms).start([this](const aioxx::Completion&) {
            ++ticks;
            arm();
        });
    }
};

struct PostsAgain {
    aioxx::Queue* queue;
    void operator()() const { queue->post(*this); }
};

/// Posts its like, a few times over.
class PostsWhenItGoes {
public:
    PostsWhenItGoes(aioxx::Queue& queue, unsigned& alive, unsigned more)
        : queue_(&queue), alive_(&alive), more_(more) {
        ++alive;
    }
    PostsWhenItGoes(PostsWhenItGoes&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)), alive_(other.alive_), more_(other.more_) {}
    PostsWhenItGoes& operator=(PostsWhenItGoes&&) = delete;
    ~PostsWhenItGoes() {
        if (queue_ != nullptr) {
            --*alive_;
            if (more_ > 0) {
                queue_->post(PostsWhenItGoes{*queue_, *alive_, more_ - 1});
            }
        }
    }
    void operator()() const {}

private:
    aioxx::Queue* queue_;
    unsigned* alive_;
    unsigned more_;
};

} // namespace

TEST_CASE("a timer that starts itself again keeps no close() waiting") {
    unsigned ticks = 0;
    aioxx::Queue queue;
    Timer timer{queue, ticks};
    timer.arm();
    queue.run_once();
    CHECK(ticks == 1);
    const aioxx::Queue::Left left = queue.close(Clock::now() + 1h);
    CHECK(left.outstanding == 0);
    CHECK(ticks == 2);
}

TEST_CASE("a timer that starts itself again keeps no destructor waiting") {
    unsigned ticks = 0;
    {
        auto queue = std::make_unique<aioxx::Queue>();
        Timer timer{*queue, ticks};
        timer.arm();
        queue.reset();
    }
    CHECK(ticks == 1);
}

TEST_CASE("a call that posts itself again keeps no close() and no destructor waiting") {
    aioxx::Queue queue;
    queue.post(PostsAgain{&queue});
    CHECK(queue.close(Clock::now() + 1h).outstanding == 0);
    CHECK(queue.close(Clock::time_point::min()).outstanding == 0);
}

TEST_CASE("what is posted before a close, and by what it delivers, is called") {
    aioxx::Queue queue;
    unsigned called = 0;
    queue.post([&called] { ++called; });
    queue.sleep_for(1h).start(
        [&](const aioxx::Completion&) { queue.post([&called] { ++called; }); });
    static_cast<void>(queue.close(Clock::now() + 1h));
    CHECK(called == 2);
}

TEST_CASE("what is posted before the destructor, and by what it delivers, is called") {
    unsigned called = 0;
    {
        aioxx::Queue queue;
        queue.post([&called] { ++called; });
        queue.sleep_for(1h).start(
            [&](const aioxx::Completion&) { queue.post([&called] { ++called; }); });
    }
    CHECK(called == 2);
}

TEST_CASE("start() is refused once the queue closes, and nothing comes of it") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "content");
    aioxx::AlignedBuffer buffer{4096, 4096};
    unsigned calls = 0;
    const auto count = [&calls](const aioxx::Completion&) { ++calls; };
    static_cast<void>(queue.close(Clock::now()));
    std::error_code error;
    CHECK(queue.sleep_for(0ns).start(count, error) == aioxx::OperationId{});
    CHECK(error == std::errc::operation_canceled);
    queue.read(file, buffer, 0).start(count, error);
    CHECK(error == std::errc::operation_canceled);
    const aioxx::File none;
    queue.read(none, buffer, 0).start(count, error);
    CHECK(error == std::errc::operation_canceled);
    queue.wait_for_capacity().start(count, error);
    CHECK(error == std::errc::operation_canceled);
    CHECK_THROWS_AS(queue.fsync(file).start(count), std::system_error);
    CHECK(queue.outstanding() == 0);
    queue.run();
    CHECK(calls == 0);
}

TEST_CASE("what was under way when the close began is delivered, once each") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{3};
    queue.read(file, buffer, 0).start(outcomes.at(0));
    queue.poll(pipe.reader, POLLIN).start(outcomes.at(1));
    queue.sleep_for(1h).start(outcomes.at(2));
    const aioxx::Queue::Left left = queue.close(Clock::now() + 1h);
    CHECK(left.outstanding == 0);
    CHECK(outcomes.once_each());
    // What no worker has begun can be taken back.
    CHECK((outcomes[0] == 4096 || (without_kernel_aio() && outcomes[0] == -ECANCELED)));
    CHECK(outcomes[1] == -ECANCELED);
    CHECK(outcomes[2] == -ECANCELED);
}

TEST_CASE("a refusal that leaves a callback is not thrown by close(); what else leaves one is") {
    aioxx::Queue queue;
    unsigned reached = 0;
    for (unsigned i = 0; i < 3; ++i) {
        queue.sleep_for(1h).start([&](const aioxx::Completion&) {
            ++reached;
            queue.sleep_for(1h).start([](auto&) {}); // throws
        });
    }
    queue.sleep_for(1h).start([&](const aioxx::Completion&) {
        ++reached;
        throw std::runtime_error{"of its own"};
    });
    CHECK_THROWS_WITH(static_cast<void>(queue.close(Clock::now() + 1h)), "of its own");
    CHECK(reached == 4);
    CHECK(queue.close(Clock::now() + 1h).outstanding == 0);
}

TEST_CASE("what leaves a callback goes no further than the destructor") {
    unsigned reached = 0;
    {
        aioxx::Queue queue;
        queue.sleep_for(1h).start([&](const aioxx::Completion&) {
            ++reached;
            throw std::runtime_error{"of its own"};
        });
        queue.sleep_for(1h).start([&](const aioxx::Completion&) {
            ++reached;
            queue.sleep_for(1h).start([](auto&) {}); // throws
        });
    }
    CHECK(reached == 2);
}

TEST_CASE("a queue is closed from inside its own callback") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    Outcomes outcomes{1};
    queue.poll(pipe.reader, POLLIN).start(outcomes.at(0));
    std::size_t left = 1;
    queue.sleep_for(0ns).start(
        [&](const aioxx::Completion&) { left = queue.close(Clock::now() + 1h).outstanding; });
    queue.run();
    CHECK(left == 0);
    CHECK(outcomes[0] == -ECANCELED);
}

TEST_CASE("what is dropped with a queue may post: that is dropped too, before the queue has gone") {
    unsigned alive = 0;
    {
        aioxx::Queue queue;
        static_cast<void>(queue.close_for(0ns));
        queue.post(PostsWhenItGoes{queue, alive, 3});
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
    const auto wait = [](std::unique_ptr<PostsWhenItGoes> /*kept*/) -> aioxx::Task<> {
        co_await std::suspend_always{};
    };
    {
        aioxx::Queue queue;
        aioxx::spawn(queue, wait(std::make_unique<PostsWhenItGoes>(queue, alive, 3U)));
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
}
