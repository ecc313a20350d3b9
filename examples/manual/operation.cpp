// SPDX-License-Identifier: MIT
// Give a read ten milliseconds, with its failure as data.

#include <aioxx/aioxx.hpp>
#include <array>
#include <chrono>
#include <iostream>
#include <unistd.h>

aioxx::Task<> read_soon(aioxx::Queue& queue,
                        const aioxx::File& reader) {
    std::array<std::byte, 1> byte;
    const aioxx::Completion done =
        co_await queue.read(reader, byte)
            .within(std::chrono::milliseconds{10})
            .completion(); // without it a failure is thrown
    std::cout << (done.timed_out() ? "nothing came" : "a byte") << '\n';
}

int main() {
    int ends[2];
    if (::pipe(ends) != 0) {
        return 1;
    }
    aioxx::Queue queue;
    const aioxx::File reader = aioxx::File::borrow(ends[0]);
    aioxx::run(queue, read_soon(queue, reader));
}
