// SPDX-License-Identifier: MIT
// Read a file with two buffers, however many tasks there are.

#include <aioxx/aioxx.hpp>
#include <fcntl.h>
#include <iostream>
#include <vector>

aioxx::Task<std::size_t> read_block(aioxx::Queue& queue,
                                    const aioxx::File& file,
                                    aioxx::BufferPool& pool,
                                    std::int64_t offset) {
    aioxx::AlignedBuffer buffer =
        co_await queue.buffer(pool); // waits until there is one
    const aioxx::Transfer got =
        co_await queue.read(file, std::move(buffer), offset);
    co_return got.bytes; // and the buffer goes back
}

int main(int, char** argv) {
    try {
        const aioxx::File file = aioxx::File::open(argv[1], O_RDONLY);
        aioxx::BufferPool pool{2, 4096};
        aioxx::Queue queue;
        std::vector<aioxx::Task<std::size_t>> blocks;
        for (std::int64_t i = 0; i < 8; ++i) {
            blocks.push_back(read_block(queue, file, pool, i * 4096));
        }
        std::size_t bytes = 0;
        for (const std::size_t each :
             aioxx::run(queue, aioxx::when_all(std::move(blocks)))) {
            bytes += each;
        }
        std::cout << bytes << " bytes\n";
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
