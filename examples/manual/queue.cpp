// SPDX-License-Identifier: MIT
// Read a block in an event loop.

#include <aioxx/aioxx.hpp>
#include <fcntl.h>
#include <iostream>
#include <poll.h>

int main(int, char** argv) {
    try {
        aioxx::Queue::Options options;
        options.use_event_fd = true;
        aioxx::Queue queue{options};
        const aioxx::File file = aioxx::File::open(argv[1], O_RDONLY);
        aioxx::AlignedBuffer block{4096, 4096};

        bool ended = false;
        queue.read(file, block, 0)
            .start([&](const aioxx::Completion& done) {
                if (done.error()) {
                    std::cout << done.error().message() << '\n';
                } else {
                    std::cout << done.bytes() << " bytes\n";
                }
                ended = true;
            });
        while (!ended) {
            pollfd ready{queue.event_fd(), POLLIN, 0};
            ::poll(&ready, 1, -1); // beside the program's other ones
            queue.run_ready();     // never blocks; calls the callback
        }
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
