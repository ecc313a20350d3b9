// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Adds up the bytes of a file by 64 threads, each with a queue of its own, which together take at
// most half of what is left of fs.aio-max-nr: queue_per_thread FILE

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>

namespace {

constexpr unsigned thread_count = 64;
constexpr unsigned deepest = 32; // reads of one thread in flight
constexpr std::size_t block_size = std::size_t{64} * 1024;

/// Where nothing is left the queues work by worker threads.
unsigned depth_of_each() {
    const aioxx::Limits limits = aioxx::limits();
    const std::uint64_t left = limits.allowed - std::min(limits.used, limits.allowed);
    return std::clamp(aioxx::Queue::depth_within(left / 2 / thread_count), 1U, deepest);
}

/// Takes one block after the other, as do all others, until there are no more.
aioxx::Task<> add_blocks(aioxx::Queue& queue, const aioxx::File& file,
                         std::atomic<std::int64_t>& next, std::atomic<std::uint64_t>& sum) {
    aioxx::AlignedBuffer block{block_size, 4096};
    for (std::size_t bytes = block_size; bytes == block_size;) {
        const std::int64_t at = next.fetch_add(static_cast<std::int64_t>(block_size));
        bytes = co_await queue.read_full(file, block, at);
        for (const std::byte byte : block.first(bytes)) {
            sum += std::to_integer<std::uint64_t>(byte);
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: queue_per_thread FILE\n";
        return 2;
    }
    const unsigned depth = depth_of_each();
    std::error_code error;
    aioxx::File file = aioxx::File::open(argv[1], O_RDONLY, 0, error);
    file.try_direct(); // not every file system has it
    std::atomic<std::int64_t> next{0};
    std::atomic<std::uint64_t> sum{0};
    std::atomic<bool> failed{false};
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < thread_count; ++i) {
        threads.emplace_back([&] {
            try {
                aioxx::Queue::Options options;
                options.depth = depth;
                aioxx::Queue queue{options};
                for (unsigned each = 0; each < deepest; ++each) {
                    aioxx::spawn(queue, add_blocks(queue, file, next, sum));
                }
                queue.run();
            } catch (const std::exception&) { // no file, or it cannot be read
                failed = true;
            }
        });
    }
    threads.clear(); // waits for their ends
    std::cout << (failed ? "not all could be read" : std::to_string(sum)) << '\n';
    return failed ? 1 : 0;
}
