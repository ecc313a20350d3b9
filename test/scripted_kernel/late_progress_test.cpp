// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What the queue's thread may ask of an operation that a worker carries on.

#include "descriptors.hpp"
#include "eventually.hpp"
#include "scripted_kernel/scripted_kernel.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <semaphore>
#include <utility>

#include <sys/uio.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using namespace std::chrono_literals;

/// There is no kernel AIO. The first write moves two bytes, and the second one waits.
class HeldWrite final : public Backend {
public:
    int setup(unsigned, kernel::Handle*) override { return -ENOSYS; }
    int destroy(kernel::Handle) override { return -ENOSYS; }
    int submit(kernel::Handle, long, kernel::IocbLayout**) override { return -ENOSYS; }
    int cancel(kernel::Handle, kernel::IocbLayout*) override { return -ENOSYS; }
    int get_events(kernel::Handle, long, long, kernel::EventLayout*, kernel::Timeout) override {
        return -ENOSYS;
    }
    std::int64_t transfer(bool, int fd, const iovec* parts, std::size_t, std::int64_t at,
                          int) override {
        const bool first = writes.fetch_add(1, std::memory_order_relaxed) == 0;
        if (!first) {
            gate.acquire();
        }
        return ::pwrite(fd, parts->iov_base, first ? 2 : parts->iov_len, at);
    }
    std::int64_t flush(bool, int) override { return 0; }

    std::atomic<unsigned> writes{0}; // relaxed: it puts nothing in an order
    std::binary_semaphore gate{0};
};

TEST_CASE("a deadline tells how much of a write has been made, of one that goes on as well") {
    HeldWrite below;
    ScriptedKernel kernel{below};
    const TemporaryFile content{{}, O_WRONLY | O_APPEND};
    const File file = File::borrow(content);
    Queue queue;
    std::int64_t result = 0;
    std::size_t bytes = 0;
    AlignedBuffer zeros{4096, 4096};
    std::ranges::fill(zeros, std::byte{});
    queue.write_all(file, std::move(zeros), 0).within(100ms).start([&](const Completion& done) {
        result = done.result();
        bytes = done.bytes();
    });
    CHECK(eventually([&] { return below.writes.load(std::memory_order_relaxed) == 2; }));
    queue.run();
    CHECK(result == -ETIMEDOUT);
    CHECK(bytes == 2);
    below.gate.release();
    CHECK(queue.close(std::chrono::steady_clock::now() + 1h).quarantined == 0);
}

} // namespace
} // namespace aioxx::test
