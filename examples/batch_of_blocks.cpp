// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Reads blocks of a file together, and looks at each result: batch_of_blocks FILE BLOCK...

#include <aioxx/aioxx.hpp>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>

#include <fcntl.h>

namespace {

constexpr std::size_t block = 4096;

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: batch_of_blocks FILE BLOCK...\n";
        return 2;
    }
    try {
        const aioxx::File file = aioxx::File::open(argv[1], O_RDONLY);
        const auto count = static_cast<std::size_t>(argc - 2);
        aioxx::AlignedBuffer memory{count * block, block};
        const std::span<char*> numbers{argv + 2, count};

        aioxx::Queue queue;
        aioxx::Batch batch{queue};
        for (std::size_t i = 0; i < count; ++i) {
            const auto at =
                static_cast<std::int64_t>(std::strtoull(numbers[i], nullptr, 10) * block);
            batch.add(queue.read_full(file, std::span{memory}.subspan(i * block, block), at));
        }
        batch.wait(); // one io_submit, where the file goes by kernel AIO

        int status = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const aioxx::Completion& result = batch.results()[i];
            std::cout << "block " << numbers[i] << ": ";
            if (result.error()) {
                std::cout << result.error().message() << '\n';
                status = 1;
            } else {
                std::cout << result.bytes() << " bytes\n";
            }
        }
        return status;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
