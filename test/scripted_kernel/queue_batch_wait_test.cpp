// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// How a thread sleeps that waits for a batch: until so many of it have ended.
#include "scripted_kernel/scripted_kernel.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/aio_abi.h>

namespace aioxx::test {
namespace {

/// Completes reads while a thread sleeps, one after the other, until it has what it asked for.
class LateKernel final : public Backend {
public:
    int setup(unsigned /*events*/, kernel::Handle* handle) override {
        *handle = 1; // no address: it has no ring
        return 0;
    }
    int destroy(kernel::Handle /*handle*/) override { return 0; }
    int submit(kernel::Handle /*handle*/, long count, kernel::IocbLayout** iocbs) override {
        std::copy_if(iocbs, iocbs + count, std::back_inserter(reads_),
                     [](const auto* iocb) { return iocb->opcode == IOCB_CMD_PREAD; });
        return static_cast<int>(count);
    }
    int cancel(kernel::Handle /*handle*/, kernel::IocbLayout* /*iocb*/) override {
        return -EINPROGRESS;
    }
    int get_events(kernel::Handle /*handle*/, long min, long max, kernel::EventLayout* events,
                   kernel::Timeout time) override {
        if (time == 0) {
            return 0; // who looks finds none
        }
        sleeps.push_back({min, time});
        if (slow && time != kernel::forever) {
            return 0;
        }
        long given = 0;
        for (; given < std::min(min, max) && !reads_.empty(); ++given, reads_.pop_front()) {
            const kernel::IocbLayout& read = *reads_.front();
            events[given] = {read.data, reinterpret_cast<std::uintptr_t>(&read),
                             static_cast<std::int64_t>(read.length), 0};
        }
        return static_cast<int>(given);
    }
    std::int64_t transfer(bool /*write*/, int /*fd*/, const iovec* /*parts*/, std::size_t /*count*/,
                          std::int64_t /*at*/, int /*flags*/) override {
        return -EIO;
    }
    std::int64_t flush(bool /*data_only*/, int /*fd*/) override { return -EIO; }

    struct Sleep {
        long least; // events that were asked for
        kernel::Timeout time;
        friend bool operator==(const Sleep&, const Sleep&) = default;
    };
    std::vector<Sleep> sleeps;
    bool slow = false; // none ends in a time

private:
    std::deque<const kernel::IocbLayout*> reads_;
};

constexpr kernel::Timeout in_time = std::chrono::nanoseconds{std::chrono::milliseconds{4}}.count();
constexpr LateKernel::Sleep for_one{1, kernel::forever};

class WaitForBatch {
public:
    WaitForBatch() = default;
    WaitForBatch(const WaitForBatch&) = delete;
    WaitForBatch& operator=(const WaitForBatch&) = delete;
    ~WaitForBatch() {
        queue_.reset();
        scripted_.wait_until_closed();
    }

    void wait(std::size_t reads) {
        REQUIRE(queue().uses_kernel_aio());
        Batch batch{queue()};
        for (std::size_t i = 0; i < reads; ++i) {
            batch.add(queue().read(file_, bytes_, 0));
        }
        batch.wait();
        CHECK(std::ranges::all_of(batch.results(), [](const Completion& each) {
            return each.result() == static_cast<std::int64_t>(block);
        }));
    }

    [[nodiscard]] Queue& queue() { return *queue_; }

    LateKernel late;

private:
    static constexpr std::size_t block = 4096;

    ScriptedKernel scripted_{late};
    File file_ = File::open("/var/tmp", O_TMPFILE | O_RDWR | O_DIRECT, 0600);
    alignas(block) std::array<std::byte, block> bytes_{};
    std::optional<Queue> queue_{std::in_place, // or how long a submit takes would count
                                Queue::Options{.workers = 0}};
};

TEST_CASE("a large batch is waited for together, and its last eight each for itself") {
    WaitForBatch batch;
    batch.wait(64);
    std::vector<LateKernel::Sleep> expected{{56, in_time}};
    expected.insert(expected.end(), 8, for_one);
    CHECK(batch.late.sleeps == expected);
}

TEST_CASE("a small batch is waited for one by one, as a limit of time would cost more") {
    WaitForBatch batch;
    batch.wait(31);
    CHECK(batch.late.sleeps == std::vector(31, for_one));
}

TEST_CASE("a large batch of which none ends in time is waited for by its first") {
    WaitForBatch batch;
    batch.late.slow = true;
    batch.wait(33);
    std::vector<LateKernel::Sleep> expected{{25, in_time}, for_one, {24, in_time}};
    expected.insert(expected.end(), 32, for_one);
    CHECK(batch.late.sleeps == expected);
}

TEST_CASE("a large batch is waited for one by one while anything else is outstanding") {
    WaitForBatch batch;
    batch.queue().sleep_for(std::chrono::hours{1}).start([](const Completion&) {});
    batch.wait(64);
    CHECK(batch.late.sleeps.size() == 64);
    CHECK(
        std::ranges::all_of(batch.late.sleeps, [](const auto& sleep) { return sleep.least == 1; }));
}

} // namespace
} // namespace aioxx::test
