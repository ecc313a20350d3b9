// SPDX-License-Identifier: MIT
// Read a block of each of two files, side by side.

#include <aioxx/aioxx.hpp>
#include <fcntl.h>
#include <iostream>

aioxx::Task<std::size_t> first_block(aioxx::Queue& queue,
                                     const char* path) {
    const aioxx::File file = aioxx::File::open(path, O_RDONLY);
    aioxx::AlignedBuffer block{4096, 4096};
    co_return co_await queue.read(file, block, 0);
}

aioxx::Task<> both(aioxx::Queue& queue, const char* one,
                   const char* other) {
    const auto [first, second] = co_await aioxx::when_all(
        first_block(queue, one), first_block(queue, other));
    std::cout << first << " and " << second << " bytes\n";
}

int main(int, char** argv) {
    try {
        aioxx::Queue queue;
        aioxx::run(queue, both(queue, argv[1], argv[2]));
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
