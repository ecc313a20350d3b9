// SPDX-License-Identifier: MIT
// Wait with an eventfd.

#include <aioxx/aioxx.hpp>
#include <fcntl.h>
#include <iostream>
#include <poll.h>

int main(int, char** argv) {
    try {
        aioxx::File file = aioxx::File::open(argv[1], O_RDONLY);
        file.try_direct(); // else submit() itself reads
        aioxx::AlignedBuffer block{4096, 4096};
        aioxx::EventFd ready;
        aioxx::Iocb read;
        read.prepare_read(file.fd(), block, 0);
        read.set_event_fd(
            ready.fd()); // after prepare_, which clears it
        aioxx::EventBatch events{8};
        aioxx::Context context{1};

        context.submit(read);
        pollfd wake{ready.fd(), POLLIN, 0};
        if (::poll(&wake, 1, -1) != 1) {
            return 1;
        }
        std::cout << ready.read()
                  << " has completed: "; // takes the counter
        context.reap(events);            // never waits
        for (const aioxx::Event& event : events) {
            std::cout << event.result() << " bytes\n";
        }
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
