// SPDX-License-Identifier: MIT
// Read a block.

#include <aioxx/aioxx.hpp>
#include <fcntl.h>
#include <iostream>

int main(int, char** argv) {
    try {
        aioxx::File file = aioxx::File::open(argv[1], O_RDONLY);
        file.try_direct(); // else submit() itself reads
        aioxx::AlignedBuffer block{4096, 4096};
        aioxx::Iocb read;
        read.prepare_read(file.fd(), block, 0);
        aioxx::EventBatch events{1};
        aioxx::Context context{1}; // declared last, so it goes first

        context.submit(read);
        context.wait(events, 1);
        if (events[0].error()) {
            throw std::system_error{events[0].error(), "read"};
        }
        std::cout << events[0].result() << " bytes\n";
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
