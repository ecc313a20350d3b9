// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/files.hpp"
#include "skip.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

enum class Role { good_read, good_sync, bad_mode, bad_offset, bad_directory };
constexpr Role roles[] = {Role::good_read, Role::good_sync, Role::bad_mode, Role::bad_offset,
                          Role::bad_directory};

constexpr std::int64_t expected(Role role) {
    switch (role) {
    case Role::good_read:
        return 4096;
    case Role::good_sync:
        return 0;
    case Role::bad_mode:
        return -EBADF;
    case Role::bad_offset:
        return -EINVAL;
    case Role::bad_directory:
        return -EINVAL;
    }
    return 0;
}

/// What a batch of good and bad operations works on.
struct Files {
    aioxx::File good;
    aioxx::File write_only = disk_file(O_WRONLY | O_DIRECT);
    aioxx::File directory = aioxx::File::open("/var/tmp", O_RDONLY | O_DIRECTORY);
    aioxx::AlignedBuffer buffer{4096, 4096};

    explicit Files(int flags) : good(disk_file(O_RDWR | flags, std::string(4096, 'x'))) {}

    template <typename Callback>
    void start(aioxx::Queue& queue, Role role, Callback&& callback) {
        switch (role) {
        case Role::good_read:
            queue.read(good, buffer, 0).start(callback);
            break;
        case Role::good_sync:
            queue.fdatasync(good).start(callback);
            break;
        case Role::bad_mode:
            queue.read(write_only, buffer, 0).start(callback);
            break;
        case Role::bad_offset:
            queue.read(good, buffer, -4096).start(callback);
            break;
        case Role::bad_directory:
            queue.read(directory, buffer, 0).start(callback);
            break;
        }
    }
};

/// Starts `batch` inside a callback, so that all of it is submitted together.
void run_batch(aioxx::Queue& queue, Files& files, const std::vector<Role>& batch) {
    Outcomes outcomes{batch.size()};
    queue.sleep_for(0ns).start([&](const aioxx::Completion&) {
        for (std::size_t i = 0; i < batch.size(); ++i) {
            files.start(queue, batch[i], outcomes.at(i));
        }
    });
    queue.run();
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        CHECK(outcomes[i] == expected(batch[i]));
    }
}

} // namespace

TEST_CASE("the bad of a batch fail alone, each with its own error, in every order") {
    for (const int flags : {0, O_DIRECT}) {
        Files files{flags};
        aioxx::Queue queue;
        std::vector<std::size_t> order(std::size(roles));
        std::iota(order.begin(), order.end(), 0);
        do {
            std::vector<Role> batch;
            for (const std::size_t i : order) {
                batch.push_back(roles[i]);
            }
            run_batch(queue, files, batch);
        } while (std::next_permutation(order.begin(), order.end()));
    }
}

TEST_CASE("every pattern of good and bad in a batch of ten leaves all the good ones done") {
    Files files{O_DIRECT};
    for (const unsigned depth : {128U, 3U}) {
        aioxx::Queue::Options options;
        options.depth = depth;
        aioxx::Queue queue{options};
        for (unsigned pattern = 0; pattern < 1024; ++pattern) {
            std::vector<Role> batch;
            for (unsigned i = 0; i < 10; ++i) {
                const bool bad = (pattern >> i & 1) != 0;
                batch.push_back(bad ? roles[2 + i % 3] : Role::good_read);
            }
            run_batch(queue, files, batch);
        }
    }
}

TEST_CASE("what a callback starts is submitted by one call") {
    SKIP_WITHOUT_KERNEL_AIO("it counts io_submit");
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    const auto nothing = [](const aioxx::Completion&) {};
    for (unsigned i = 0; i < 1000; ++i) { // the first of a file are watched one by one
        queue.read(file, buffer, 0).start(nothing);
    }
    queue.run();
    std::uint64_t calls = 0;
    for (unsigned round = 0; round < 10; ++round) {
        queue.sleep_for(0ns).start([&](const aioxx::Completion&) {
            for (unsigned i = 0; i < 64; ++i) {
                queue.read(file, buffer, 0).start(nothing);
            }
            const std::uint64_t before = queue.statistics().submit_calls;
            queue.flush();
            calls += queue.statistics().submit_calls - before;
        });
        queue.run();
    }
    // One in many is measured alone: that makes three calls of one.
    CHECK(calls <= 12);
    CHECK(calls >= 10);
}

TEST_CASE("a run with nothing started makes no submit") {
    aioxx::Queue queue;
    const std::uint64_t before = queue.statistics().submit_calls;
    queue.run();
    queue.run_ready();
    queue.sleep_for(0ns).start([](auto&) {});
    queue.run();
    CHECK(queue.statistics().submit_calls == before);
}

TEST_CASE("polls, one of them refused by the kernel, go with the rest of a batch") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    pipe.fill("x");
    const aioxx::File file = disk_file(O_RDWR, "content");
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{4};
    queue.sleep_for(0ns).start([&](const aioxx::Completion&) {
        queue.poll(pipe.reader, POLLIN).start(outcomes.at(0));
        queue.poll(file, POLLIN).start(outcomes.at(1));
        queue.read(file, buffer, -1).start(outcomes.at(2));
        queue.poll(pipe.writer, POLLOUT).start(outcomes.at(3));
    });
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == POLLIN);
    CHECK(outcomes[1] == POLLIN);
    CHECK(outcomes[2] == -EINVAL);
    CHECK(outcomes[3] == POLLOUT);
}
