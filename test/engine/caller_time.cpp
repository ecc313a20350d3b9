// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// How long the thread of a queue is held by a call, at the longest: on a FUSE server that answers
// everything 300 ms late, on 1 GiB in memory and in the page cache, and by a batch of 128 x 256
// KiB. The figures of doc/queue.md; run it as root, by `chrt -f 1` where the machine has other
// work.

#include "devices/fuse_server.hpp"
#include "devices/mounts.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace aioxx;
using namespace aioxx::test;
using Clock = std::chrono::steady_clock;
constexpr std::size_t kibibyte = 1024;
constexpr std::size_t gibibyte = kibibyte * kibibyte * kibibyte;

/// Starts operations and runs them, as an event loop does, and measures each call.
class Caller {
public:
    explicit Caller(bool nowait_always)
        : queue_({.use_event_fd = true, .nowait_always = nowait_always}) {}

    template <typename Operation>
    void start(Operation&& operation) {
        measure([&] {
            std::move(operation).start([this](const Completion& done) {
                failed_ += done.error() ? 1U : 0U;
                --under_way_;
            });
        });
        ++under_way_;
        ++operations_;
    }
    void run() {
        while (under_way_ > 0) {
            pollfd readable{queue_.event_fd(), POLLIN, 0};
            ::poll(&readable, 1, -1);
            measure([&] { queue_.run_ready(); });
        }
    }
    void print(const char* what) const {
        std::printf("%-44s %5zu operations, %3zu failed; longest call %7.3f ms\n", what,
                    operations_, failed_,
                    std::chrono::duration<double, std::milli>(longest_).count());
    }
    Queue& queue() { return queue_; }

private:
    template <typename Call>
    void measure(Call call) {
        const Clock::time_point before = Clock::now();
        call();
        longest_ = std::max(longest_, Clock::now() - before);
    }

    Queue queue_;
    Clock::duration longest_{};
    std::size_t operations_ = 0;
    std::size_t failed_ = 0;
    std::size_t under_way_ = 0;
};

std::int64_t at(std::size_t offset) {
    return static_cast<std::int64_t>(offset);
}

void on_late_server(bool direct, bool nowait_always) {
    constexpr std::size_t count = 32;
    constexpr std::size_t size = 4 * kibibyte;
    FuseServer server{12, false, true};
    const File file = File::open(server.file("file").c_str(), O_RDWR | (direct ? O_DIRECT : 0));
    server.be_late(300);
    std::vector<AlignedBuffer> buffers;
    for (std::size_t i = 0; i < count; ++i) {
        buffers.emplace_back(size, size);
    }
    Caller caller{nowait_always};
    for (std::size_t i = 0; i < count; ++i) {
        const std::span<std::byte> bytes{buffers[i]};
        if (i % 2 == 0) {
            caller.start(caller.queue().read(file, bytes, at(i * size)));
        } else {
            caller.start(
                caller.queue().write(file, std::span<const std::byte>{bytes}, at(i * size)));
        }
    }
    caller.start(caller.queue().fsync(file));
    caller.run();
    char what[80];
    std::snprintf(what, sizeof(what), "FUSE, 300 ms late, %s%s", direct ? "direct" : "buffered",
                  nowait_always ? ", nowait_always" : "");
    caller.print(what);
}

/// In operations of `size`, `window` at a time.
void transfer(const char* what, const File& file, std::size_t all, std::size_t size,
              std::size_t window, bool writes) {
    AlignedBuffer memory{size * window, 4 * kibibyte};
    std::fill_n(memory.data(), memory.size(), std::byte{1});
    Caller caller{false};
    for (std::size_t offset = 0; offset < all;) {
        for (std::size_t i = 0; i < window && offset < all; ++i, offset += size) {
            const std::span<std::byte> bytes{memory.data() + i * size, size};
            if (writes) {
                caller.start(
                    caller.queue().write(file, std::span<const std::byte>{bytes}, at(offset)));
            } else {
                caller.start(caller.queue().read(file, bytes, at(offset)));
            }
        }
        caller.run();
    }
    caller.print(what);
}

void in_memory() {
    const int fd = ::memfd_create("caller_time", MFD_CLOEXEC);
    const File file = File::adopt(fd);
    transfer("tmpfs, 1 GiB, writes of 64 KiB", file, gibibyte, 64 * kibibyte, 64, true);
    transfer("tmpfs, 1 GiB, reads of 64 KiB", file, gibibyte, 64 * kibibyte, 64, false);
    transfer("tmpfs, 1 GiB, one read", file, gibibyte, gibibyte, 1, false);
    transfer("tmpfs, a batch of 128 x 256 KiB", file, 128 * 256 * kibibyte, 256 * kibibyte, 128,
             false);
}

void in_page_cache() {
    char path[] = "/var/tmp/caller_time-XXXXXX";
    const File file = File::adopt(::mkostemp(path, O_CLOEXEC));
    ::unlink(path);
    transfer("page cache, 1 GiB, writes of 64 KiB", file, gibibyte, 64 * kibibyte, 64, true);
    transfer("page cache, 1 GiB, reads of 64 KiB", file, gibibyte, 64 * kibibyte, 64, false);
    transfer("page cache, 1 GiB, one read", file, gibibyte, gibibyte, 1, false);
    transfer("page cache, a batch of 128 x 256 KiB", file, 128 * 256 * kibibyte, 256 * kibibyte,
             128, false);
}

} // namespace

int main() {
    for (const bool direct : {false, true}) {
        for (const bool nowait_always : {false, true}) {
            on_late_server(direct, nowait_always);
        }
    }
    in_memory();
    in_page_cache();
}
