// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A thread may end inside a callback or a task, by pthread_exit: the queue is another thread's
// then.
#include "child.hpp"
#include "devices/fuse_server.hpp"
#include "eventually.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>
#include <tuple>

#include <pthread.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

void* call_it(void* function) {
    (*static_cast<std::function<void()>*>(function))();
    return nullptr;
}

/// Runs `function` on a thread; whether that ended by end_thread().
bool ends_thread(std::function<void()> function) {
    pthread_t thread{};
    void* told = nullptr;
    if (::pthread_create(&thread, nullptr, &call_it, &function) != 0) {
        return false;
    }
    ::pthread_join(thread, &told);
    return told != nullptr;
}

[[noreturn]] void end_thread() {
    static int ended = 0;
    ::pthread_exit(&ended);
}

/// Counts how often its copies have been destroyed, of those that were not moved from.
struct Counted {
    explicit Counted(int& count) : count_(&count, [](int* counted) { ++*counted; }) {}
    std::shared_ptr<int> count_;
};

aioxx::Task<> end_in_task(aioxx::Queue& queue, int& destroyed) {
    const Counted local{destroyed};
    co_await queue.sleep_for(0ns);
    end_thread();
}

aioxx::Task<> end_at_once(int& destroyed) {
    const Counted local{destroyed};
    end_thread();
    co_return;
}

aioxx::Task<int> wait_for(aioxx::Task<> task, int& destroyed) {
    const Counted local{destroyed};
    co_await std::move(task);
    co_return 1;
}

/// The second is the one that ends the thread, or it is not begun.
aioxx::Task<> begin_both(aioxx::Queue& queue, aioxx::Task<> first, int& destroyed) {
    const Counted local{destroyed};
    co_await aioxx::when_all(std::move(first), end_in_task(queue, destroyed));
}

aioxx::Task<> sleep_for_long(aioxx::Queue& queue) {
    co_await queue.sleep_for(1h);
}

} // namespace

TEST_CASE("a thread that ends inside a callback leaves the rest to the next that runs the queue") {
    const ChildEnd child = run_in_child([] {
        aioxx::Queue queue;
        Outcomes others{2};
        int destroyed = 0;
        int posted = 0;
        queue.sleep_for(0ns).start(others.at(0));
        queue.sleep_for(0ns).start([kept = Counted{destroyed}](auto&) { end_thread(); });
        queue.sleep_for(0ns).start(others.at(1));
        queue.post([&posted] { ++posted; });
        if (!ends_thread([&] { queue.run(); }) || posted != 1 || destroyed != 1) {
            return 1;
        }
        if (queue.outstanding() != 1 || others.all() != 1) {
            return 2;
        }
        queue.run();
        return others.once_each() && queue.outstanding() == 0 ? 0 : 3;
    });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
}

TEST_CASE("a thread that ends inside a posted call leaves those behind it") {
    const ChildEnd child = run_in_child([] {
        aioxx::Queue queue;
        int posted = 0;
        queue.post([] { end_thread(); });
        queue.post([&posted] { posted = posted * 10 + 1; });
        queue.post([&posted] { posted = posted * 10 + 2; });
        if (!ends_thread([&] { queue.run_ready(); })) {
            return 1;
        }
        queue.post([&posted] { posted = posted * 10 + 3; });
        queue.run();
        return posted == 123 ? 0 : 2;
    });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
}

TEST_CASE("a thread that ends inside a callback may have run the queue from within another") {
    const ChildEnd child = run_in_child([] {
        aioxx::Queue queue;
        int destroyed = 0;
        queue.post([&, kept = Counted{destroyed}] { queue.run_ready(); });
        queue.sleep_for(0ns).start([kept = Counted{destroyed}](auto&) { end_thread(); });
        if (!ends_thread([&] { queue.run(); }) || destroyed != 2) {
            return 1;
        }
        queue.run(); // no callback is on the stack any more
        return queue.outstanding() == 0 ? 0 : 2;
    });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
}

TEST_CASE("a thread that ends inside the callback of a time-out leaves the quarantine as it is") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = aioxx::File::open(server->file("gate").c_str(), O_RDWR | O_DIRECT);
    server->close_gate();
    const ChildEnd child = run_in_child([&] {
        aioxx::Queue queue;
        int destroyed = 0;
        queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0)
            .within(100ms)
            .start([kept = Counted{destroyed}](auto&) { end_thread(); });
        server->await_waiting(1);
        if (!ends_thread([&] { queue.run(); }) || destroyed != 1) {
            return 1;
        }
        if (queue.statistics().quarantined != 1 || queue.outstanding() != 0) {
            return 2;
        }
        server->open_gate();
        return queue.close_for(1h).quarantined == 0 ? 0 : 3;
    });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
}

TEST_CASE("a thread that ends inside a task destroys that one's variables, the queue the frames") {
    const ChildEnd child = run_in_child([] {
        int destroyed = 0;
        {
            aioxx::Queue queue;
            if (!ends_thread([&] {
                    aioxx::run(queue, wait_for(end_in_task(queue, destroyed), destroyed));
                }) ||
                destroyed != 1) {
                return 1;
            }
            queue.run();
        }
        return destroyed == 2 ? 0 : 2;
    });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
}

TEST_CASE("a thread may end in a task that has just begun, and in one of several side by side") {
    const ChildEnd child = run_in_child([] {
        int destroyed = 0;
        {
            aioxx::Queue queue;
            if (!ends_thread(
                    [&] { aioxx::run(queue, wait_for(end_at_once(destroyed), destroyed)); })) {
                return 1;
            }
            if (!ends_thread([&] {
                    aioxx::spawn(queue, begin_both(queue, end_at_once(destroyed), destroyed));
                }) ||
                destroyed != 4 || queue.outstanding() != 0) {
                return 2;
            }
            if (!ends_thread([&] {
                    aioxx::run(queue, begin_both(queue, sleep_for_long(queue), destroyed));
                }) ||
                destroyed != 5 || queue.outstanding() != 1) {
                return 3;
            }
        }
        return destroyed == 6 ? 0 : 4;
    });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
}
