// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Submits that workers make, and what io_submit may answer.

#include "descriptors.hpp"
#include "engine/pool_loop.hpp"
#include "scripted_kernel/scripted_kernel.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <semaphore>
#include <thread>

#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::Way;

TEST_CASE("a worker repeats a submit that was interrupted") {
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    PoolLoop loop;
    const TemporaryFile content{"abc"};
    PlainFile file{content};
    WorkerOperation read;
    kernel.answer(Call::submit, {Answer::error(EINTR), Answer::error(EINTR)});
    loop.add(read, Kind::read, file, Way::worker_submit);
    CHECK(loop.result_of(read) == 3);
    CHECK(kernel.calls(Call::submit) == 3);
}

TEST_CASE("where the kernel is short of memory a transfer comes back after a pause, and is not "
          "repeated") {
    constexpr std::chrono::milliseconds pause{1};
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    PoolLoop loop;
    loop.start();
    const TemporaryFile content{"abc"};
    PlainFile file{content};
    WorkerOperation read;
    kernel.answer(Call::submit, {Answer::error(EAGAIN)});
    const auto begin = std::chrono::steady_clock::now();
    loop.add(read, Kind::read, file, Way::worker_submit);
    CHECK(loop.result_of(read) == -EAGAIN);
    CHECK(std::chrono::steady_clock::now() - begin >= pause);
    CHECK(kernel.calls(Call::submit) == 1);
    loop.add(read, Kind::read, file, Way::worker_submit);
    CHECK(loop.result_of(read) == 3);
}

/// Accepts what is submitted when the test says so, and completes nothing.
class GatedKernel : public Backend {
public:
    int setup(unsigned /*events*/, kernel::Handle* handle) override {
        *handle = 1; // no address: it has no ring
        return 0;
    }
    int destroy(kernel::Handle /*handle*/) override { return 0; }
    int submit(kernel::Handle /*handle*/, long count, kernel::IocbLayout** /*iocbs*/) override {
        entered.release();
        gate.acquire();
        return static_cast<int>(count);
    }
    int cancel(kernel::Handle /*handle*/, kernel::IocbLayout* /*iocb*/) override {
        return -EINPROGRESS;
    }
    int get_events(kernel::Handle /*handle*/, long /*min*/, long /*max*/,
                   kernel::EventLayout* /*events*/, kernel::Timeout /*timeout*/) override {
        return 0;
    }
    std::int64_t transfer(bool /*write*/, int /*fd*/, const iovec* /*parts*/, std::size_t /*count*/,
                          std::int64_t /*at*/, int /*flags*/) override {
        return -ENOSYS;
    }
    std::int64_t flush(bool /*data_only*/, int /*fd*/) override { return -ENOSYS; }

    std::binary_semaphore entered{0};
    std::binary_semaphore gate{0};
};

TEST_CASE("taking a poll back waits until it has been submitted, so that it can be cancelled") {
    GatedKernel gated;
    ScriptedKernel kernel{gated};
    Pipe pipe;
    PlainFile file{pipe.reader};
    WorkerOperation poll;
    PoolLoop loop; // its context goes first
    poll.request.bits = POLLIN;
    loop.add(poll, Kind::poll, file);
    gated.entered.acquire();
    std::atomic<pid_t> tid{0};
    std::atomic<bool> taken_back{true};
    std::atomic<bool> returned{false};
    std::thread canceller{[&] {
        tid = thread_id();
        taken_back = loop.pool.take_back(poll);
        returned = true;
    }};
    CHECK(eventually([&] { return tid != 0; }));
    CHECK(wait_until_blocked_in(tid, SYS_futex));
    CHECK_FALSE(returned);
    gated.gate.release();
    canceller.join();
    CHECK_FALSE(taken_back);
    CHECK(loop.context.cancel(poll.iocb) == CancelResult::requested);
}

TEST_CASE("a transfer that is just being submitted is not waited for") {
    GatedKernel gated;
    ScriptedKernel kernel{gated};
    const TemporaryFile content{"abc"};
    PlainFile file{content};
    WorkerOperation read;
    PoolLoop loop; // its context goes first
    loop.add(read, Kind::read, file, Way::worker_submit);
    gated.entered.acquire();
    CHECK_FALSE(loop.pool.take_back(read));
    gated.gate.release();
}

} // namespace
} // namespace aioxx::test
