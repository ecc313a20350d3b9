// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Reads a block of two copies of a file; the first answer wins: hedged_read COPY OTHER [BLOCK]

#include <aioxx/aioxx.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stop_token>
#include <utility>

#include <fcntl.h>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t block_size = 4096;

aioxx::AlignedBuffer block() {
    return aioxx::AlignedBuffer{block_size, block_size};
}

/// Asks the other copy when the first has not answered for a while.
aioxx::Task<aioxx::Transfer> read_later(aioxx::Queue& queue, const aioxx::File& file,
                                        std::int64_t offset, std::stop_token stop) {
    co_await queue.sleep_for(2ms).stopped_by(stop);
    co_return co_await queue.read_full(file, block(), offset).stopped_by(stop);
}

/// The copy that has answered first, and the block.
aioxx::Task<aioxx::Winner<aioxx::Transfer>> read_hedged(aioxx::Queue& queue,
                                                        const aioxx::File& copy,
                                                        const aioxx::File& other,
                                                        std::int64_t offset) {
    // What loses is given up. Its buffer is the queue's, so that a disk may still write into it.
    co_return co_await aioxx::when_any(
        queue.read_full(copy, block(), offset),
        [&](std::stop_token stop) { return read_later(queue, other, offset, std::move(stop)); });
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc > 4) {
        std::cerr << "usage: hedged_read COPY OTHER [BLOCK]\n";
        return 2;
    }
    try {
        const aioxx::File copy = aioxx::File::open(argv[1], O_RDONLY);
        const aioxx::File other = aioxx::File::open(argv[2], O_RDONLY);
        const auto number = argc > 3 ? std::strtoll(argv[3], nullptr, 10) : 0;
        aioxx::Queue queue;
        const auto [index, read] =
            aioxx::run(queue, read_hedged(queue, copy, other, number * std::int64_t{block_size}));
        std::cout << read.bytes << " bytes, of " << argv[1 + index] << '\n';
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
