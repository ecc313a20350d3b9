// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// io_getevents answers EINTR without a signal where the thread uses io_uring as well: the kernel
// has work for the thread, which it does on the way back.

#include "blocked_in.hpp"
#include "descriptors.hpp"
#include "eventually.hpp"
#include "queue/files.hpp"
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <linux/io_uring.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

/// An io_uring of this thread's, by system calls. Throws std::system_error where there is none.
class PollingRing {
public:
    PollingRing() {
        fd_ = static_cast<int>(::syscall(__NR_io_uring_setup, entries, &parameters_));
        if (fd_ < 0) {
            throw_errno("io_uring_setup");
        }
        ring_bytes_ = parameters_.sq_off.array + parameters_.sq_entries * sizeof(unsigned);
        ring_ = map(ring_bytes_, IORING_OFF_SQ_RING);
        requests_ = map(parameters_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
    }
    ~PollingRing() {
        ::munmap(requests_, parameters_.sq_entries * sizeof(io_uring_sqe));
        ::munmap(ring_, ring_bytes_);
        ::close(fd_);
    }
    PollingRing(const PollingRing&) = delete;
    PollingRing& operator=(const PollingRing&) = delete;

    /// Waits for `number` to be readable; this thread has to do with it when it is.
    void poll(int number) {
        auto& tail = *at<unsigned>(parameters_.sq_off.tail);
        const unsigned place = tail & *at<unsigned>(parameters_.sq_off.ring_mask);
        auto* const request = static_cast<io_uring_sqe*>(requests_) + place;
        std::memset(request, 0, sizeof(*request));
        request->opcode = IORING_OP_POLL_ADD;
        request->fd = number;
        request->poll_events = POLLIN; // the 32 bits beside it have another order on big-endian
        at<unsigned>(parameters_.sq_off.array)[place] = place;
        std::atomic_ref{tail}.store(tail + 1, std::memory_order_release);
        if (::syscall(__NR_io_uring_enter, fd_, 1U, 0U, 0U, nullptr, 0U) != 1) {
            throw_errno("io_uring_enter");
        }
    }

private:
    static constexpr unsigned entries = 32;

    void* map(std::size_t bytes, unsigned long long offset) const {
        void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_POPULATE, fd_, static_cast<off_t>(offset));
        if (memory == MAP_FAILED) {
            throw_errno("mmap");
        }
        return memory;
    }
    template <typename T>
    T* at(unsigned offset) const {
        return reinterpret_cast<T*>(static_cast<std::byte*>(ring_) + offset);
    }

    io_uring_params parameters_{};
    int fd_ = -1;
    std::size_t ring_bytes_ = 0;
    void* ring_ = nullptr;
    void* requests_ = nullptr;
};

/// The thread of a queue, in whose pipe a read waits.
class WaitingQueue {
public:
    /// `prepare`: what the thread does before.
    template <typename Prepare>
    explicit WaitingQueue(Prepare prepare)
        : thread_{[this, prepare] {
              tid_ = thread_id();
              [[maybe_unused]] const auto kept = prepare();
              queue_.read(pipe_.reader, byte_, 0).start([](auto&) {});
              queue_.run();
          }} {}
    ~WaitingQueue() {
        pipe_.fill("x");
        thread_.join();
    }
    WaitingQueue(const WaitingQueue&) = delete;
    WaitingQueue& operator=(const WaitingQueue&) = delete;

    [[nodiscard]] bool waits_in_ring() const {
        eventually([this] { return tid_.load() != 0; });
        return wait_until_blocked_in(tid_, SYS_io_getevents);
    }
    /// Whether a call that is posted is made.
    [[nodiscard]] bool hears() {
        std::atomic<bool> heard{false};
        queue_.post([&heard] { heard = true; });
        return eventually([&heard] { return heard.load(); });
    }

private:
    std::atomic<pid_t> tid_{0};
    Queue queue_;
    Ends pipe_ = make_pipe();
    std::array<std::byte, 1> byte_{};
    std::thread thread_;
};

TEST_CASE("a queue's wait that is interrupted without a signal goes on, and asks once for each") {
    SKIP_UNDER_VALGRIND("it has no ring to look into: each look is a call");
    SKIP_WITHOUT_KERNEL_AIO("no wait is in the ring");
    constexpr std::size_t interruptions = 100;
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    for (std::size_t i = 0; i < interruptions; ++i) {
        kernel.answer(Call::get_events, {Answer::error(EINTR)});
    }
    {
        WaitingQueue queue{[] { return 0; }};
        REQUIRE(eventually([&] { return kernel.calls(Call::get_events) > interruptions; }));
        REQUIRE(queue.waits_in_ring());
        CHECK(kernel.calls(Call::get_events) == interruptions + 1);
        CHECK(queue.hears());
    }
    kernel.wait_until_closed();
}

TEST_CASE("a queue whose thread uses io_uring as well waits on after each of its completions") {
    SKIP_UNDER_VALGRIND("it has no ring to look into: each look is a call");
    SKIP_WITHOUT_KERNEL_AIO("no wait is in the ring");
    try {
        const PollingRing probe;
    } catch (const std::system_error& error) {
        const std::string reason = std::string{"no io_uring: "} + error.what();
        SKIP_CASE(reason.c_str());
    }
    std::vector<EventFd> polled;
    for (int i = 0; i < 10; ++i) {
        polled.emplace_back();
    }
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    {
        WaitingQueue queue{[&polled] {
            auto ring = std::make_unique<PollingRing>();
            for (const EventFd& one : polled) {
                ring->poll(one.fd());
            }
            return ring;
        }};
        REQUIRE(queue.waits_in_ring());
        for (EventFd& one : polled) {
            const std::size_t before = kernel.calls(Call::get_events);
            one.signal();
            REQUIRE(eventually([&] { return kernel.calls(Call::get_events) > before; }));
            REQUIRE(queue.waits_in_ring());
            CHECK(kernel.calls(Call::get_events) == before + 1);
        }
        CHECK(queue.hears());
    }
    kernel.wait_until_closed();
}

} // namespace
} // namespace aioxx::test
