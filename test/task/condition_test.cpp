// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "child.hpp"
#include "skip.hpp"
#include "task/foreign.hpp"

#include <aioxx/aioxx.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Completion;
using aioxx::Condition;
using aioxx::Queue;

namespace {

/// What waits notes its letter, and its error behind it.
struct Waits {
    Queue queue;
    std::optional<Condition> condition{std::in_place, queue};
    std::string ended;

    auto noting(char letter) {
        return [this, letter](const Completion& done) {
            ended += letter;
            ended += done.error() == std::errc::timed_out            ? "t"
                     : done.error() == std::errc::operation_canceled ? "c"
                     : done.error()                                  ? "?"
                                                                     : "";
        };
    }
    aioxx::OperationId wait(char letter) { return condition->wait().start(noting(letter)); }
};

Foreign waits(Condition& condition, std::string& ended, char letter) {
    static_cast<void>(co_await condition.wait().completion());
    ended += letter;
}

} // namespace

TEST_CASE("a wait ends after the notice, and not inside of it") {
    Waits all;
    all.wait('a');
    CHECK(all.queue.run_ready() == 0);
    CHECK(all.condition->waiting() == 1);
    all.condition->notify_one();
    CHECK(all.ended.empty());
    CHECK(all.condition->waiting() == 0);
    all.queue.run();
    CHECK(all.ended == "a");
}

TEST_CASE("the one that has waited longest is told first, and all are those that wait now") {
    Waits all;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
        all.wait(letter);
    }
    all.condition->notify_one();
    all.condition->notify_one();
    all.queue.run_ready();
    CHECK(all.ended == "ab");
    all.condition->notify_all();
    all.wait('e');
    all.queue.run_ready();
    CHECK(all.ended == "abcd");
    CHECK(all.queue.outstanding() == 1);
}

TEST_CASE("a notice for which nothing waits is lost") {
    Waits all;
    all.condition->notify_all();
    all.condition->notify_one();
    all.wait('a');
    CHECK(all.queue.run_ready() == 0);
}

TEST_CASE("what has timed out, or was cancelled, takes no notice from another") {
    Waits all;
    const aioxx::OperationId first = all.wait('a');
    all.condition->wait().within(0s).start(all.noting('b'));
    all.condition->wait().within(1ms).start(all.noting('c'));
    all.wait('d');
    CHECK(all.queue.cancel(first) == aioxx::Cancellation::cancelled);
    while (all.ended.size() < 6) {
        all.queue.run_once();
    }
    CHECK(all.ended.find("ac") != std::string::npos);
    CHECK(all.ended.find("bt") != std::string::npos);
    CHECK(all.ended.find("ct") != std::string::npos);
    CHECK(all.condition->waiting() == 1);
    all.condition->notify_one();
    all.queue.run();
    CHECK(all.ended.back() == 'd');
    CHECK(all.queue.statistics().timed_out == 2);
    CHECK(all.queue.statistics().cancelled == 1);
}

TEST_CASE("one that has been told is told well, also when its deadline passes meanwhile") {
    Waits all;
    const aioxx::OperationId id = all.condition->wait().within(50ms).start(all.noting('a'));
    all.condition->notify_one();
    const auto end = std::chrono::steady_clock::now() + 50ms;
    while (std::chrono::steady_clock::now() <= end) {
    }
    CHECK(all.queue.cancel(id) == aioxx::Cancellation::too_late);
    all.queue.run();
    CHECK(all.ended == "a");
}

TEST_CASE("a notice of a coroutine that is destroyed before it goes on is the next one's") {
    Waits all;
    {
        const Foreign gone = waits(*all.condition, all.ended, 'a');
        all.wait('b');
        all.wait('c');
        all.condition->notify_one();
    }
    all.queue.run_ready();
    CHECK(all.ended == "b");
    { const Foreign waits_in_vain = waits(*all.condition, all.ended, 'd'); }
    CHECK(all.condition->waiting() == 1);
    all.condition->notify_one();
    all.queue.run();
    CHECK(all.ended == "bc");
}

TEST_CASE("a condition that is destroyed ends what waits, and what was told is told") {
    Waits all;
    all.wait('a');
    all.wait('b');
    all.condition->notify_one();
    all.condition.reset();
    all.queue.run();
    CHECK(all.ended == "abc"); // a well, b cancelled
    {
        all.condition.emplace(all.queue);
        const Foreign gone = waits(*all.condition, all.ended, 'd');
        all.condition->notify_one();
        all.condition.reset();
    }
    all.queue.run();
    CHECK(all.ended == "abc");
}

TEST_CASE("a queue that ends first ends what waits, and the condition may go later") {
    std::string ended;
    std::optional<Queue> queue{std::in_place};
    Condition condition{*queue};
    condition.wait().start([&](const Completion& done) {
        ended += done.error() == std::errc::operation_canceled ? "cancelled" : "?";
    });
    aioxx::spawn(*queue,
                 [](Condition& for_ever) -> aioxx::Task<> { co_await for_ever.wait(); }(condition));
    queue.reset();
    CHECK(ended == "cancelled");
    CHECK(condition.waiting() == 0);
    condition.notify_all();
}

TEST_CASE("a stop token ends a wait, and a wait is told by another thread's post") {
    Queue queue;
    Condition condition{queue};
    bool changed = false;
    const auto waits_twice = [](Condition& on, std::stop_token token,
                                const bool& value) -> aioxx::Task<> {
        const Completion stopped = co_await on.wait().stopped_by(std::move(token)).completion();
        CHECK(stopped.error() == std::errc::operation_canceled);
        while (!value) { // or the notice came first
            co_await on.wait();
        }
    };
    std::jthread other;
    std::stop_source source;
    queue.post([&] {
        other = std::jthread{[&] {
            source.request_stop();
            queue.post([&] {
                changed = true;
                condition.notify_one();
            });
        }};
    });
    aioxx::run(queue, waits_twice(condition, source.get_token(), changed));
    CHECK(condition.waiting() == 0);
}

TEST_CASE("with an event loop a notice makes the event descriptor readable") {
    Queue::Options options;
    options.use_event_fd = true;
    Queue queue{options};
    Condition condition{queue};
    bool told = false;
    condition.wait().start([&](const Completion&) { told = true; });
    queue.run_ready();
    pollfd look{queue.event_fd(), POLLIN, 0};
    CHECK(::poll(&look, 1, 0) == 0);
    condition.notify_one();
    CHECK(::poll(&look, 1, 0) == 1);
    queue.run_ready();
    CHECK(told);
}

TEST_CASE("what waits for a condition is listed as that") {
    Waits all;
    all.wait('a');
    std::array<aioxx::OutstandingOperation, 2> list;
    REQUIRE(all.queue.list_outstanding(list) == 1);
    CHECK(list[0].place == aioxx::OperationPlace::queue);
    CHECK(list[0].kind_name() == std::string{"wait for condition"});
}

TEST_CASE("in a forked child a condition is inert, and goes without a word") {
    SKIP_UNDER_VALGRIND("a child lacks the thread that still destroys an earlier queue");
    Waits all;
    all.wait('a');
    const ChildEnd end = run_in_child([&] {
        all.condition->notify_all();
        const bool still_waits = all.condition->waiting() == 1;
        all.condition.reset();
        return still_waits ? 0 : 1;
    });
    CHECK(end.status == 0);
    all.condition->notify_one();
    all.queue.run();
    CHECK(all.ended == "a");
}
