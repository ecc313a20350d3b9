// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A queue that may have no workers: its own thread makes their calls.
#include "queue/files.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include <sys/eventfd.h>

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

aioxx::Queue::Options no_workers() {
    aioxx::Queue::Options options;
    options.workers = 0;
    return options;
}

} // namespace

TEST_CASE("without workers, files of /proc that kernel AIO does not know are read all the same") {
    aioxx::Queue queue{no_workers()};
    static_cast<void>(queue.uses_kernel_aio()); // which is not asked where it does not know a file
    const aioxx::File file = aioxx::File::open("/proc/self/status", O_RDONLY);
    std::array<std::array<std::byte, 512>, 8> buffers{};
    unsigned right = 0;
    for (std::array<std::byte, 512>& buffer : buffers) {
        queue.read(file, buffer, 0).start([&](const aioxx::Completion& done) {
            right += text_of(std::span{buffer}.first(done.bytes())).starts_with("Name:") ? 1U : 0U;
        });
    }
    queue.run();
    CHECK(right == buffers.size());
}

TEST_CASE("without workers, an eventfd is written and read") {
    aioxx::Queue queue{no_workers()};
    static_cast<void>(queue.uses_kernel_aio()); // which is not asked where it does not know a file
    const aioxx::File counter = aioxx::File::adopt(::eventfd(0, EFD_CLOEXEC));
    const std::uint64_t given = 7;
    std::uint64_t taken = 0;
    Outcomes outcomes{2};
    queue.write(counter, std::as_bytes(std::span{&given, 1}), 0).start(outcomes.at(0));
    queue.run();
    REQUIRE(outcomes[0] == sizeof(given)); // else the read waits for ever
    queue.read(counter, std::as_writable_bytes(std::span{&taken, 1}), 0).start(outcomes.at(1));
    queue.run();
    CHECK(outcomes[1] == sizeof(taken));
    CHECK(taken == given);
}
