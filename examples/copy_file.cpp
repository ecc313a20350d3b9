// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Copies a file with eight coroutines side by side: copy_file SOURCE TARGET

#include <aioxx/aioxx.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <vector>

#include <fcntl.h>

namespace {

constexpr std::size_t chunk = std::size_t{256} * 1024;
constexpr int workers = 8;

/// One of the workers: takes the next chunk until there is none. What is passed by reference
/// outlives the task, because run() returns when all have ended.
aioxx::Task<> copy_chunks(aioxx::Queue& queue, const aioxx::File& from, const aioxx::File& to,
                          std::int64_t& next) {
    aioxx::AlignedBuffer buffer{chunk, 4096};
    for (;;) {
        const std::int64_t at = next;
        next += static_cast<std::int64_t>(chunk);
        const std::size_t bytes = co_await queue.read_full(from, buffer, at);
        if (bytes != 0) {
            co_await queue.write_all(to, buffer.first(bytes), at);
        }
        if (bytes < chunk) {
            co_return; // the end of the file
        }
    }
}

aioxx::Task<std::int64_t> copy(aioxx::Queue& queue, const aioxx::File& from,
                               const aioxx::File& to) {
    std::int64_t next = 0;
    std::vector<aioxx::Task<>> tasks;
    tasks.reserve(workers);
    for (int i = 0; i < workers; ++i) {
        tasks.push_back(copy_chunks(queue, from, to, next));
    }
    co_await aioxx::when_all(std::move(tasks));
    co_await queue.fsync(to);
    co_return to.size();
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 3) {
            throw std::invalid_argument("usage: copy_file SOURCE TARGET");
        }
        const aioxx::File from = aioxx::File::open(argv[1], O_RDONLY);
        const aioxx::File to = aioxx::File::open(argv[2], O_WRONLY | O_CREAT | O_TRUNC);
        aioxx::Queue queue;
        std::cout << aioxx::run(queue, copy(queue, from, to)) << " bytes\n";
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
