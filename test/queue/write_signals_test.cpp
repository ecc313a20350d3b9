// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A write for which write(2) sends a signal fails, and sends none.
#include "queue/write_signals.hpp"

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

/// With workers, and where the queue's own thread makes every call.
template <typename Body>
void check_with_and_without_workers(Body body) {
    for (const unsigned workers : {16U, 0U}) {
        CAPTURE(workers);
        check_without_signals([&] {
            aioxx::Queue::Options options;
            options.workers = workers;
            aioxx::Queue queue{options};
            return body(queue);
        });
    }
}

} // namespace

TEST_CASE("a write to a pipe or a socket without a peer is EPIPE, and no signal") {
    check_with_and_without_workers([](aioxx::Queue& queue) { return write_to_nobody(queue); });
}

TEST_CASE("a write beyond the limit on a file's size is EFBIG, and no signal") {
    check_with_and_without_workers([](aioxx::Queue& queue) { return write_beyond_limit(queue); });
}

TEST_CASE("a write across the limit on a file's size is short, and carried on it is EFBIG") {
    check_with_and_without_workers([](aioxx::Queue& queue) {
        const rlimit limit{8192, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        aioxx::AlignedBuffer block{8192, 4096};
        for (const int flags : {O_RDWR, O_RDWR | O_DIRECT}) {
            const aioxx::File file = disk_file(flags, std::string(4096, 'x'));
            if (result_of_write(queue, file, block, 4096) != 4096) {
                return 1;
            }
            std::int64_t result = 0;
            queue.write_all(file, block, 4096).start([&result](const aioxx::Completion& done) {
                result = done.result();
            });
            queue.run();
            if (result != -EFBIG) {
                return 2;
            }
        }
        return 0;
    });
}
