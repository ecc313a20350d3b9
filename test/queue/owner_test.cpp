// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What -Dchecks=enabled catches of a queue's misuse, and what it lets pass. Without checks the
// second half runs alone.
#include "child.hpp"
#include "queue/files.hpp"
#include "queue/owner.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <poll.h>
#include <pthread.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

/// With checks the child ends by abort(), with `line` among its last words; else it is not run.
void expect_caught(const std::string& line, const std::function<void()>& misuse) {
#if AIOXX_CHECKS
    const ChildEnd child = run_in_child([&misuse] {
        misuse();
        return 0;
    });
    CHECK(child.signal == SIGABRT);
    CAPTURE(child.errors);
    CHECK(child.errors.find(line) != std::string::npos);
#else
    static_cast<void>(line);
    static_cast<void>(misuse);
#endif
}

/// Runs `inside` on a thread of its own while another is inside run().
void beside_run(const std::function<void(aioxx::Queue&)>& inside) {
    aioxx::Queue queue;
    queue.sleep_for(0ns).start([&](auto&) {
        std::thread other{[&] {
            ::pthread_setname_np(::pthread_self(), "intruder");
            inside(queue);
        }};
        other.join();
    });
    queue.run();
}

} // namespace

TEST_CASE("with checks, two threads in a queue end the program, and both are named") {
    const Ends pipe = make_pipe();
    const std::string both = "(intruder) in ";
    expect_caught(both + "Operation::start", [&] {
        beside_run([](aioxx::Queue& queue) { queue.sleep_for(0ns).start([](auto&) {}); });
    });
    expect_caught(both + "Queue::run_ready",
                  [&] { beside_run([](aioxx::Queue& queue) { queue.run_ready(); }); });
    expect_caught(both + "Queue::run",
                  [&] { beside_run([](aioxx::Queue& queue) { queue.run(); }); });
    expect_caught(both + "Queue::cancel",
                  [&] { beside_run([&](aioxx::Queue& queue) { queue.cancel(pipe.reader); }); });
    expect_caught(both + "Queue::close", [&] {
        beside_run([](aioxx::Queue& queue) { static_cast<void>(queue.close_for(0ns)); });
    });
    expect_caught(" in Queue::run, and thread ",
                  [&] { beside_run([](aioxx::Queue& queue) { queue.flush(); }); });
}

TEST_CASE("with checks, a queue that goes with the last callback that holds it ends the program") {
    const std::string line = "destroying a queue inside its own callback";
    expect_caught(line, [] {
        auto queue = std::make_shared<aioxx::Queue>();
        queue->sleep_for(0ns).start([queue](auto&) {});
        aioxx::Queue& running = *queue;
        queue.reset();
        running.run();
    });
    expect_caught(line, [] {
        auto queue = std::make_shared<aioxx::Queue>();
        queue->post([queue] {});
        aioxx::Queue& running = *queue;
        queue.reset();
        running.run();
    });
}

TEST_CASE("with checks, a queue that is destroyed inside its own callback ends the program") {
    expect_caught("destroying a queue inside its own callback", [] {
        auto queue = std::make_unique<aioxx::Queue>();
        queue->sleep_for(0ns).start([&queue](auto&) { queue.reset(); });
        queue->run();
    });
    expect_caught("destroying a queue inside its own callback", [] {
        auto queue = std::make_unique<aioxx::Queue>();
        queue->post([&queue] { queue.reset(); });
        queue->run_ready();
    });
}

TEST_CASE("a queue is handed over between threads under a lock") {
    aioxx::Queue queue;
    std::mutex mutex;
    constexpr unsigned each = 200;
    unsigned ended = 0;
    const auto use = [&] {
        for (unsigned i = 0; i < each; ++i) {
            const std::lock_guard lock{mutex};
            queue.sleep_for(0ns).start([&ended](auto&) { ++ended; });
            queue.run();
        }
    };
    std::thread one{use};
    std::thread other{use};
    use();
    one.join();
    other.join();
    CHECK(ended == 3 * each);
}

TEST_CASE("other threads post, ask to cancel and stop while one runs the queue") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    Outcomes outcomes{1};
    const aioxx::OperationId poll = queue.poll(pipe.reader, POLLIN).start(outcomes.at(0));
    bool posted = false;
    std::thread other{[&] {
        queue.post([&posted] { posted = true; });
        queue.request_cancel(poll);
        queue.stop();
    }};
    while (outcomes.all() == 0 || !posted) {
        queue.run();
    }
    other.join();
    CHECK(outcomes[0] == -ECANCELED);
}

TEST_CASE("a signal handler stops a queue that its own thread runs") {
    static aioxx::Queue* running;
    aioxx::Queue queue;
    running = &queue;
    struct sigaction stops {};
    struct sigaction before {};
    stops.sa_handler = [](int) { running->stop(); };
    REQUIRE(::sigaction(SIGUSR1, &stops, &before) == 0);
    queue.sleep_for(1h).start([](auto&) {});
    std::atomic<bool> over{false};
    std::thread other{[&over, self = ::pthread_self()] {
        while (!over) {
            ::pthread_kill(self, SIGUSR1);
            std::this_thread::yield();
        }
    }};
    queue.run();
    over = true;
    other.join();
    CHECK(queue.outstanding() == 1);
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("stop() leaves the run() of a task alone, and ends the next one of the queue") {
    aioxx::Queue queue;
    queue.stop();
    const auto seven = [](aioxx::Queue& on) -> aioxx::Task<int> {
        co_await on.sleep_for(0ns);
        co_return 7;
    };
    CHECK(aioxx::run(queue, seven(queue)) == 7);
    queue.sleep_for(1h).start([](auto&) {});
    queue.run();
    CHECK(queue.outstanding() == 1);
}

TEST_CASE("a queue is used, and destroyed, inside a callback of another") {
    aioxx::Queue queue;
    Outcomes outcomes{1};
    queue.sleep_for(0ns).start([&](auto&) {
        aioxx::Queue other;
        other.sleep_for(1h).start(outcomes.at(0));
    });
    queue.run();
    CHECK(outcomes[0] == -ECANCELED);
}

TEST_CASE("a queue is destroyed by another thread, which its last callbacks are called by") {
    auto queue = std::make_unique<aioxx::Queue>();
    const Ends pipe = make_pipe();
    std::thread::id called_by;
    int destroyed_posts = 0;
    queue->poll(pipe.reader, POLLIN).start([&](const aioxx::Completion& done) {
        CHECK(done.cancelled());
        called_by = std::this_thread::get_id();
    });
    queue->run_ready();
    const std::shared_ptr<int> dropped{&destroyed_posts, [](int* count) { ++*count; }};
    std::thread::id other_id;
    std::thread other{[&] {
        other_id = std::this_thread::get_id();
        queue.reset();
    }};
    other.join();
    CHECK(called_by == other_id);
}

TEST_CASE("a static queue is destroyed after main(), and uses what was made before it") {
    const ChildEnd child = run_in_child([]() -> int {
        struct Told {
            unsigned times = 0;
            aioxx::AlignedBuffer memory{4096, 4096};
            ~Told() { ::_exit(times == 2 ? 0 : 1); }
        };
        static Told told;
        static const Ends pipe = make_pipe();
        static const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
        static aioxx::Queue queue;
        const auto count = [](const aioxx::Completion&) { ++told.times; };
        queue.poll(pipe.reader, POLLIN).start(count);
        queue.read(file, told.memory, 0).start(count);
        std::exit(2); // as at the end of main()
    });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
}
