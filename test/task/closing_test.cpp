// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Tasks of a queue that closes.
#include <aioxx/aioxx.hpp>

#include <chrono>
#include <coroutine>
#include <optional>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

/// Counts the ends of frames.
struct Gone {
    unsigned& count;
    ~Gone() { ++count; }
};

/// Never resumed.
struct Never {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
};

aioxx::Task<> sleeps_for_ever(aioxx::Queue& queue, unsigned& rounds, unsigned& gone) {
    const Gone frame{gone};
    for (;;) {
        static_cast<void>(co_await queue.sleep_for(1h).completion());
        ++rounds;
    }
}

aioxx::Task<> nested(aioxx::Queue& queue, unsigned& rounds, unsigned& gone) {
    const Gone frame{gone};
    co_await sleeps_for_ever(queue, rounds, gone);
}

aioxx::Task<> side_by_side(aioxx::Queue& queue, unsigned& rounds, unsigned& gone) {
    const Gone frame{gone};
    co_await aioxx::when_all(nested(queue, rounds, gone), nested(queue, rounds, gone));
}

int error_of_run(aioxx::Queue& queue, aioxx::Task<> task) {
    try {
        aioxx::run(queue, std::move(task));
    } catch (const std::system_error& error) {
        return error.code().value();
    }
    return 0;
}

} // namespace

TEST_CASE("a task that waits again and again keeps no close() waiting, and goes with it") {
    unsigned rounds = 0;
    unsigned gone = 0;
    aioxx::Queue queue;
    aioxx::spawn(queue, sleeps_for_ever(queue, rounds, gone));
    aioxx::spawn(queue, nested(queue, rounds, gone));
    aioxx::spawn(queue, side_by_side(queue, rounds, gone));
    const aioxx::Queue::Left left = queue.close(Clock::now() + 1h);
    CHECK(left.outstanding == 0);
    CHECK(rounds == 4); // what each waited for was cancelled, and told
    CHECK(gone == 8);
}

TEST_CASE("a task that waits again and again keeps no destructor waiting") {
    unsigned rounds = 0;
    unsigned gone = 0;
    {
        aioxx::Queue queue;
        aioxx::spawn(queue, sleeps_for_ever(queue, rounds, gone));
        aioxx::spawn(queue, side_by_side(queue, rounds, gone));
    }
    CHECK(rounds == 3);
    CHECK(gone == 6);
}

TEST_CASE("a task that waits for something else stays until the queue is destroyed") {
    unsigned gone = 0;
    {
        aioxx::Queue queue;
        const auto waits = [](unsigned& count) -> aioxx::Task<> {
            const Gone frame{count};
            co_await Never{};
        };
        aioxx::spawn(queue, waits(gone));
        CHECK(queue.close(Clock::now() + 1h).outstanding == 0);
        CHECK(gone == 0);
    }
    CHECK(gone == 1);
}

TEST_CASE("a task that a close ends by cancelling is no failure of the close") {
    aioxx::Queue queue;
    const auto waits = [](aioxx::Queue& on) -> aioxx::Task<> { co_await on.sleep_for(1h); };
    aioxx::spawn(queue, waits(queue));
    CHECK(queue.close(Clock::now() + 1h).outstanding == 0);
}

TEST_CASE("an operation that a frame's destructor starts says that it was refused") {
    unsigned calls = 0;
    std::error_code error;
    struct StartsLate {
        aioxx::Queue& queue;
        unsigned& calls;
        std::error_code& error;
        ~StartsLate() {
            queue.sleep_for(0ns).start([&count = calls](const aioxx::Completion&) { ++count; },
                                       error);
        }
    };
    {
        aioxx::Queue queue;
        const auto waits = [](aioxx::Queue& on, unsigned& count,
                              std::error_code& why) -> aioxx::Task<> {
            const StartsLate late{on, count, why};
            co_await Never{};
        };
        aioxx::spawn(queue, waits(queue, calls, error));
    }
    CHECK(error == std::errc::operation_canceled);
    CHECK(calls == 0);
}

TEST_CASE("a task is not begun on a queue that has closed: run() says so, spawn() drops it") {
    unsigned rounds = 0;
    unsigned gone = 0;
    aioxx::Queue queue;
    static_cast<void>(queue.close(Clock::now()));
    CHECK(error_of_run(queue, nested(queue, rounds, gone)) == ECANCELED);
    aioxx::spawn(queue, nested(queue, rounds, gone));
    queue.run();
    CHECK(rounds == 0);
    CHECK(gone == 0); // what is in a frame that has not begun was never made
}

TEST_CASE("tasks that replace themselves when they are destroyed have an end") {
    struct Replaces {
        aioxx::Queue& queue;
        unsigned& made;
        ~Replaces() { aioxx::spawn(queue, works(queue, made)); }
        static aioxx::Task<> works(aioxx::Queue& on, unsigned& count) {
            ++count;
            const Replaces itself{on, count};
            for (;;) {
                static_cast<void>(co_await on.sleep_for(1h).completion());
            }
        }
    };
    unsigned made = 0;
    aioxx::Queue queue;
    aioxx::spawn(queue, Replaces::works(queue, made));
    CHECK(queue.close(Clock::now() + 1h).outstanding == 0);
    CHECK(made == 1);
}

TEST_CASE("run() of a task ends when a callback closes the queue") {
    unsigned rounds = 0;
    unsigned gone = 0;
    {
        aioxx::Queue queue;
        queue.sleep_for(0ns).start(
            [&queue](const aioxx::Completion&) { static_cast<void>(queue.close_for(1h)); });
        CHECK(error_of_run(queue, side_by_side(queue, rounds, gone)) == ECANCELED);
        CHECK(rounds == 2);
        CHECK(gone == 0); // their frames may have been on the stack
    }
    CHECK(gone == 5);
}

TEST_CASE("a task of another queue is told that the operation was refused") {
    aioxx::Queue queue;
    aioxx::Queue closed;
    static_cast<void>(closed.close(Clock::now()));
    const auto asks = [](aioxx::Queue& other) -> aioxx::Task<bool> {
        co_return (co_await other.sleep_for(0ns).completion()).cancelled();
    };
    CHECK(aioxx::run(queue, asks(closed)));
}

TEST_CASE("a frame's destructor may end another task of the same queue") {
    static std::coroutine_handle<> waiting; // of the task that waits
    struct Parks {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiter) const noexcept { waiting = waiter; }
        void await_resume() const noexcept {}
    };
    struct Wakes {
        ~Wakes() {
            if (waiting) {
                std::exchange(waiting, nullptr).resume();
            }
        }
    };
    unsigned ended = 0;
    {
        aioxx::Queue queue;
        const auto waits = [](unsigned& count) -> aioxx::Task<> {
            co_await Parks{};
            ++count;
        };
        const auto wakes = []() -> aioxx::Task<> {
            const Wakes at_the_end;
            co_await Never{};
        };
        aioxx::spawn(queue, waits(ended));
        aioxx::spawn(queue, wakes());
    }
    CHECK(ended == 1);
}
