// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Tasks that are handed to a queue of another thread.
#include <aioxx/aioxx.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using aioxx::Queue;
using aioxx::Task;

namespace {

/// Says by which thread it was destroyed.
class Held {
public:
    explicit Held(std::thread::id& by) noexcept : by_(&by) {}
    Held(Held&& other) noexcept : by_(std::exchange(other.by_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
        if (by_ != nullptr) {
            *by_ = std::this_thread::get_id();
        }
    }

private:
    std::thread::id* by_;
};

Task<> notes(Queue& queue, Held /*held*/, std::thread::id& begun_by, std::thread::id& ended_by) {
    begun_by = std::this_thread::get_id();
    co_await queue.sleep_for(0ns);
    ended_by = std::this_thread::get_id();
}

} // namespace

TEST_CASE("a task that another thread posts is begun and ended by the queue's thread") {
    std::thread::id begun;
    std::thread::id ended;
    std::thread::id gone;
    Queue queue;
    std::stop_source enough;
    const auto stops = [](Task<> first, std::stop_source& stop) -> Task<> {
        co_await std::move(first);
        stop.request_stop();
    };
    queue.sleep_for(1h).start([](auto&) {}); // run() has something to wait for
    std::thread runs{[&] { queue.run(enough.get_token()); }};
    const std::thread::id runner = runs.get_id();
    aioxx::post(queue, stops(notes(queue, Held{gone}, begun, ended), enough));
    runs.join();
    CHECK(begun == runner);
    CHECK(ended == runner);
    CHECK(gone == runner);
}

TEST_CASE("a task that is posted does not begin in the call") {
    std::thread::id begun;
    std::thread::id ended;
    std::thread::id gone;
    Queue queue;
    std::thread{[&] { aioxx::post(queue, notes(queue, Held{gone}, begun, ended)); }}.join();
    CHECK(begun == std::thread::id{});
    queue.run();
    CHECK(begun == std::this_thread::get_id());
    CHECK(ended == std::this_thread::get_id());
    CHECK(gone == std::this_thread::get_id());
}

TEST_CASE(
    "a task that is posted to a closed queue goes with it, by the queue's thread, not begun") {
    std::thread::id begun;
    std::thread::id ended;
    std::thread::id gone;
    std::optional<Queue> queue{std::in_place};
    const auto post_one = [&] {
        std::thread{[&] { aioxx::post(*queue, notes(*queue, Held{gone}, begun, ended)); }}.join();
    };
    static_cast<void>(queue->close_for(0ns));
    post_one();
    CHECK(gone == std::thread::id{});
    static_cast<void>(queue->close_for(0ns));
    CHECK(gone == std::this_thread::get_id());
    gone = {};
    post_one();
    queue->run();
    CHECK(gone == std::this_thread::get_id());
    gone = {};
    post_one();
    queue.reset();
    CHECK(gone == std::this_thread::get_id());
    CHECK(begun == std::thread::id{});
}

TEST_CASE("what leaves a posted task comes out of run(), and one that was moved from is refused") {
    Queue queue;
    const auto throws = []() -> Task<> {
        throw std::runtime_error{"at once"};
        co_return;
    };
    Task<> task = throws();
    aioxx::post(queue, std::move(task));
    CHECK_THROWS_AS(aioxx::post(queue, std::move(task)), std::logic_error);
    CHECK_THROWS_AS(queue.run(), std::runtime_error);
}
