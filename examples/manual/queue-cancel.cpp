// SPDX-License-Identifier: MIT
// Cancel.

#include <aioxx/aioxx.hpp>
#include <array>
#include <iostream>
#include <unistd.h>

int main() {
    int ends[2];
    if (::pipe(ends) != 0) {
        return 1;
    }
    aioxx::Queue queue;
    const aioxx::File reader = aioxx::File::borrow(ends[0]);
    std::array<std::byte, 1> byte;
    const aioxx::OperationId read =
        queue.read(reader, byte)
            .start([](const aioxx::Completion& done) {
                std::cout << done.error().message() << '\n';
            });
    queue.cancel(read);
    queue.run(); // the callback is called here, with
                 // std::errc::operation_canceled
}
