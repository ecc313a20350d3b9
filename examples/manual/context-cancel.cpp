// SPDX-License-Identifier: MIT
// Cancel.

#include <aioxx/aioxx.hpp>
#include <iostream>
#include <poll.h>
#include <unistd.h>

int main() {
    int ends[2];
    if (::pipe(ends) != 0) {
        return 1;
    }
    aioxx::Iocb poll; // which can be cancelled; a read cannot
    poll.prepare_poll(ends[0], POLLIN);
    aioxx::EventBatch events{1};
    aioxx::Context context{1};
    context.submit(poll);

    if (context.cancel(poll) == aioxx::CancelResult::requested) {
        context.wait(events, 1); // its event comes all the same
        if (events[0].poll_was_cancelled()) {
            std::cout << "cancelled\n";
        }
    }
}
