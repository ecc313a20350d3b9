// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Counts the lines of a file, in a bounded amount of memory: count_lines FILE

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <utility>

#include <fcntl.h>

namespace {

constexpr std::size_t buffers = 16; // and as many reads at a time
constexpr std::size_t block = std::size_t{256} << 10;

/// The buffer goes back to its pool at the end.
aioxx::Task<> count_block(aioxx::Queue& queue, const aioxx::File& file, aioxx::AlignedBuffer buffer,
                          std::int64_t at, std::uint64_t& lines) {
    const aioxx::Transfer got = co_await queue.read_full(file, std::move(buffer), at);
    const auto newlines = std::ranges::count(got.buffer.first(got.bytes), std::byte{'\n'});
    lines += static_cast<std::uint64_t>(newlines);
}

aioxx::Task<> count(aioxx::Queue& queue, const aioxx::File& file, aioxx::BufferPool& pool,
                    std::uint64_t& lines) {
    const std::int64_t size = file.size();
    for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(block)) {
        aioxx::AlignedBuffer buffer = co_await queue.buffer(pool); // waits until one comes back
        aioxx::spawn(queue, count_block(queue, file, std::move(buffer), at, lines));
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: count_lines FILE\n";
        return 2;
    }
    try {
        const aioxx::File file = aioxx::File::open(argv[1], O_RDONLY);
        aioxx::BufferPool pool{buffers, block};
        std::uint64_t lines = 0;
        aioxx::Queue queue; // declared last, so it goes first

        aioxx::spawn(queue, count(queue, file, pool, lines));
        queue.run(); // until all have ended; a failure is thrown here
        std::cout << lines << ' ' << argv[1] << '\n';
    } catch (const std::exception& error) {
        std::cerr << argv[1] << ": " << error.what() << '\n';
        return 1;
    }
    return 0;
}
