// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
//
// Has operations outstanding, and stops in here() for a debugger.

#include "queue/implementation.hpp" // so that the debugger knows what is inside

#include <aioxx/aioxx.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>

#include <poll.h>
#include <unistd.h>

using namespace std::chrono_literals;

extern "C" {
[[gnu::noinline]] void here(aioxx::Queue* queue);
[[gnu::noinline]] void nowhere(aioxx::Queue& queue);
}

void here(aioxx::Queue* queue) {
    asm volatile("" : : "g"(queue) : "memory"); // a call that is made
}
void nowhere(aioxx::Queue& queue) {
    asm volatile("" : : "g"(&queue) : "memory");
}

int main() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        return 1;
    }
    const aioxx::File reader = aioxx::File::adopt(ends[0]);
    const aioxx::File writer = aioxx::File::adopt(ends[1]);
    if (::dup2(reader.fd(), 100) != 100) {
        return 1;
    }
    const aioxx::File number_100 = aioxx::File::adopt(100);
    std::array<std::byte, 10> bytes{};
    std::array<iovec, 2> parts{iovec{bytes.data(), 4}, iovec{bytes.data() + 4, 5}};
    const auto ignore = [](const aioxx::Completion&) {};
    aioxx::Queue::Options options;
    options.limit = 4;
    aioxx::Queue queue{options};
    nowhere(queue);
    queue.read(number_100, bytes, 0).start(ignore);
    queue.readv(number_100, parts, 0).start(ignore);
    queue.sleep_for(1h).start(ignore);
    const aioxx::OperationId cancelled = queue.sleep_for(1h).start(ignore);
    queue.wait_for_capacity().start(ignore);
    queue.cancel(cancelled);
    here(&queue);
    queue.cancel_all();
    queue.run();
    return 0;
}
