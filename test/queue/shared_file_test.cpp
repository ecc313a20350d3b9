// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A File that several queues use, on threads of their own. For ThreadSanitizer as well.

#include "queue/files.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <optional>
#include <thread>

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

constexpr std::size_t threads = 2;

/// Reads on a queue of its own. `started` comes when no more is started on the file.
template <typename Started>
std::int64_t read_on_own_queue(const aioxx::File& file, unsigned reads, Started started) {
    aioxx::Queue queue;
    std::array<std::byte, 512> bytes{};
    std::int64_t sum = 0;
    for (unsigned i = 0; i < reads; ++i) {
        queue.read(file, bytes, 0).start([&sum](const aioxx::Completion& done) {
            sum += done.result();
        });
    }
    started();
    queue.run();
    return sum;
}

} // namespace

TEST_CASE("a File that two queues use on two threads is closed by any, when none starts any more") {
    for (int round = 0; round < 50; ++round) {
        std::optional<aioxx::File> file = disk_file(O_RDWR, std::string(4096, 'x'));
        const int closer = round % 3; // one of the two, or neither
        std::barrier started{threads + 1};
        std::array<std::int64_t, threads> sums{};
        std::array<std::thread, threads> users;
        for (std::size_t i = 0; i < threads; ++i) {
            users.at(i) = std::thread{[&, i] {
                sums.at(i) = read_on_own_queue(*file, 4, [&] {
                    started.arrive_and_wait();
                    if (static_cast<int>(i) == closer) {
                        file.reset();
                    }
                });
            }};
        }
        started.arrive_and_wait();
        if (closer == 2) {
            file.reset();
        }
        for (std::thread& user : users) {
            user.join();
        }
        CHECK(sums[0] == 4 * 512);
        CHECK(sums[1] == 4 * 512);
    }
}

TEST_CASE("queues begin and end on one File beside each other") {
    std::optional<aioxx::File> file = disk_file(O_RDWR, std::string(4096, 'x'));
    std::array<std::thread, threads> users;
    std::atomic<int> good{0};
    for (std::thread& user : users) {
        user = std::thread{[&] {
            for (int i = 0; i < 50; ++i) {
                good += read_on_own_queue(*file, 1, [] {}) == 512 ? 1 : 0;
            }
        }};
    }
    for (std::thread& user : users) {
        user.join();
    }
    CHECK(good == 100);
}

TEST_CASE("a File is closed while the queues that have used it end") {
    for (int round = 0; round < 50; ++round) {
        std::optional<aioxx::File> file = disk_file(O_RDWR, std::string(4096, 'x'));
        std::barrier started{threads + 1};
        std::array<std::thread, threads> users;
        for (std::thread& user : users) {
            user = std::thread{[&] {
                aioxx::Queue queue;
                std::array<std::byte, 512> bytes{};
                queue.read(*file, bytes, 0).start([](auto&) {});
                queue.run();
                started.arrive_and_wait();
            }};
        }
        started.arrive_and_wait();
        file.reset();
        for (std::thread& user : users) {
            user.join();
        }
    }
}
