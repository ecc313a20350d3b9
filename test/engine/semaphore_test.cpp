// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/semaphore.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace aioxx;
using namespace std::chrono_literals;

TEST_CASE("a semaphore's permits are kept until they are waited for") {
    engine::Semaphore semaphore;
    CHECK_FALSE(semaphore.wait_for(0ns));
    semaphore.post();
    semaphore.post();
    semaphore.wait();
    CHECK(semaphore.wait_for(0ns));
    CHECK_FALSE(semaphore.wait_for(1ns));
}

TEST_CASE("a semaphore lets as many threads go on as there are permits, whenever they come") {
    constexpr int rounds = 20000;
    constexpr int threads = 3;
    engine::Semaphore there;
    engine::Semaphore back;
    std::array<int, threads> taken{};
    std::vector<std::thread> takers;
    for (int& count : taken) {
        takers.emplace_back([&] {
            for (; count < rounds; ++count) {
                if (count % 2 == 0) {
                    there.wait();
                } else {
                    // Most are too early, and are counted as ones that wait no more.
                    while (!there.wait_for(100ns)) {
                    }
                }
                back.post();
            }
        });
    }
    for (int i = 0; i < rounds * threads; ++i) {
        there.post();
        if (i % 3 == 0) {
            back.wait();
        }
    }
    for (std::thread& taker : takers) {
        taker.join();
    }
    for (int i = 0; i < rounds * threads * 2 / 3; ++i) {
        back.wait();
    }
    CHECK_FALSE(there.wait_for(0ns));
    CHECK_FALSE(back.wait_for(0ns));
}

TEST_CASE("a semaphore may be destroyed by the thread that was waiting, while the other posts") {
    for (int i = 0; i < 2000; ++i) {
        auto semaphore = std::make_unique<engine::Semaphore>();
        std::thread poster{[last = semaphore.get()] { last->post(); }};
        semaphore->wait();
        semaphore.reset();
        poster.join();
    }
}

} // namespace
