// SPDX-License-Identifier: MIT
// Read the last bytes of a file, by direct I/O where it takes that.

#include <aioxx/aioxx.hpp>
#include <algorithm>
#include <fcntl.h>
#include <iostream>

int main(int, char** argv) {
    try {
        aioxx::File file = aioxx::File::open(argv[1], O_RDONLY);
        file.try_direct(); // where not, it is read all the same
        const aioxx::DirectAlignment needs = file.direct_alignment();
        const std::uint32_t size = std::max(needs.offset, 4096U);
        aioxx::AlignedBuffer block{size, std::max(needs.memory, 1U)};
        const std::int64_t last = (file.size() - 1) / size * size;

        aioxx::Queue queue;
        queue.read(file, block, last)
            .start([](const aioxx::Completion& done) {
                std::cout << done.bytes() << " bytes\n";
            });
        queue.run();
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
