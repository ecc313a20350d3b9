// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Ranges of files that are open for direct I/O, wherever they begin and end.
#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <string>

#include <doctest/doctest.h>
#include <sys/uio.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

std::string numbered(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; text.size() < bytes; ++i) {
        text += std::to_string(i) + ' ';
    }
    text.resize(bytes);
    return text;
}

struct Ended {
    std::int64_t result = 1;
    std::size_t bytes = 0;
    bool end_of_file = false;
};

template <typename Described>
Ended end_of(aioxx::Queue& queue, Described described) {
    Ended ended;
    std::move(described).start([&ended](const aioxx::Completion& done) {
        ended = {done.result(), done.bytes(), done.end_of_file()};
    });
    queue.run();
    return ended;
}

} // namespace

TEST_CASE("an unaligned range of a direct file is read through whole blocks") {
    constexpr std::size_t size = 3 * 4096 + 700;
    const std::string content = numbered(size);
    aioxx::Queue queue;
    for (const int flags : {O_RDONLY | O_DIRECT, O_RDONLY}) {
        const aioxx::File file = disk_file(flags, content);
        for (const std::size_t at : {0U, 1U, 511U, 512U, 4095U, 4096U, 9000U, 12288U, 12900U}) {
            for (const std::size_t bytes : {0U, 1U, 511U, 512U, 4096U, 5000U, 20000U}) {
                CAPTURE(at);
                CAPTURE(bytes);
                const std::string expected = content.substr(at, bytes);
                std::string got(bytes + 1, '#');
                const auto memory = std::as_writable_bytes(std::span{got}).subspan(1);
                const auto offset = static_cast<std::int64_t>(at);
                for (const bool exact : {false, true}) {
                    std::fill(got.begin(), got.end(), '#');
                    const Ended ended =
                        exact ? end_of(queue, queue.read_full(file, memory, offset).unaligned())
                              : end_of(queue, queue.read(file, memory, offset).unaligned());
                    CHECK(ended.result == static_cast<std::int64_t>(expected.size()));
                    CHECK(ended.bytes == expected.size());
                    CHECK((!ended.end_of_file || expected.size() < bytes));
                    CHECK((ended.end_of_file || !exact || expected.size() == bytes));
                    CHECK((got == '#' + expected + std::string(bytes - expected.size(), '#')));
                }
            }
        }
        CHECK(queue.statistics().copied == 0);
    }
}

TEST_CASE("behind the end of a direct file an unaligned read says so") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDONLY | O_DIRECT, std::string(100, 'x'));
    std::array<std::byte, 10> memory{};
    for (const std::int64_t at : {100, 101, 5000}) {
        CAPTURE(at);
        const Ended ended = end_of(queue, queue.read(file, memory, at).unaligned());
        CHECK(ended.result == 0);
        CHECK(ended.end_of_file);
    }
}

TEST_CASE("parts anywhere in memory are read from a range anywhere in a direct file") {
    const std::string content = numbered(3 * 4096);
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDONLY | O_DIRECT, content);
    std::string first(100, '#');
    std::string second(5000, '#');
    const std::array parts{iovec{first.data(), first.size()}, iovec{second.data(), 0},
                           iovec{second.data(), second.size()}};
    const Ended ended = end_of(queue, queue.readv(file, parts, 77).unaligned());
    CHECK(ended.result == 5100);
    CHECK((first == content.substr(77, 100)));
    CHECK((second == content.substr(177, 5000)));
}

TEST_CASE("whole blocks are written from memory anywhere, and parts of blocks are EINVAL") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(2 * 4096, 'x'));
    std::string memory = numbered(4097);
    const auto bytes = std::as_bytes(std::span{memory});
    CHECK(end_of(queue, queue.write_all(file, bytes.subspan(1), 4096).unaligned()).result == 4096);
    CHECK(end_of(queue, queue.write(file, bytes.subspan(1, 100), 0).unaligned()).result == -EINVAL);
    CHECK(end_of(queue, queue.write(file, bytes.subspan(1), 1).unaligned()).result == -EINVAL);
    std::string got(2 * 4096, '#');
    const auto all = std::as_writable_bytes(std::span{got});
    CHECK(end_of(queue, queue.read_full(file, all, 0).unaligned()).result == 2 * 4096);
    CHECK((got == std::string(4096, 'x') + memory.substr(1)));
}

TEST_CASE("an unaligned read takes a deadline, and what it was given up for stays as it is") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDONLY | O_DIRECT, numbered(4096));
    std::string got(100, '#');
    const auto memory = std::as_writable_bytes(std::span{got});
    CHECK(end_of(queue, queue.read(file, memory, 5).unaligned().within(0ns)).result == -ETIMEDOUT);
    CHECK((got == std::string(100, '#')));
    CHECK(end_of(queue, queue.read(file, memory, 5).within(1h).unaligned()).result == 100);
    CHECK((got == numbered(4096).substr(5, 100)));
}

TEST_CASE("an unaligned read without room for its copy is refused, and waits for capacity") {
    aioxx::Queue queue{{.copy_limit = 4096}};
    const aioxx::File file = disk_file(O_RDONLY | O_DIRECT, numbered(3 * 4096));
    std::string got(5000, '#');
    const auto memory = std::as_writable_bytes(std::span{got}).first(100);
    std::error_code error;
    queue.read(file, got, 10).unaligned().start([](auto&) {}, error);
    CHECK(error == std::errc::invalid_argument); // never
    std::size_t ended = 0;
    const auto count = [&ended](const aioxx::Completion& done) {
        ended += done.result() == 100 ? 1U : 0U;
    };
    queue.read(file, memory, 10).unaligned().start(count, error);
    CHECK_FALSE(error);
    queue.read(file, memory, 10).unaligned().start(count, error);
    CHECK(error == std::errc::resource_unavailable_try_again);
    queue.wait_for_capacity().start(
        [&](const aioxx::Completion&) { queue.read(file, memory, 10).unaligned().start(count); });
    queue.run();
    CHECK(ended == 2);
}

TEST_CASE("a short answer of a direct file is not taken for its end, nor for no bytes") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::Queue queue;
    const aioxx::File file =
        aioxx::File::open(server->file("short-512").c_str(), O_RDONLY | O_DIRECT);
    std::array<std::byte, 100> memory{};
    const Ended ended = end_of(queue, queue.read(file, memory, 2000).unaligned());
    CHECK(ended.result == 100);
    CHECK_FALSE(ended.end_of_file);
    CHECK(memory[0] == std::byte{2000 / 512});
    CHECK(memory[99] == std::byte{2099 / 512});
}

TEST_CASE("what is told of an unaligned read counts the bytes that were asked for") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::Queue queue;
    const aioxx::File file = aioxx::File::open(server->file("gate").c_str(), O_RDONLY | O_DIRECT);
    std::array<std::byte, 17> memory{};
    server->close_gate();
    aioxx::OperationId abandoned;
    Ended late{1, 1, false};
    queue.read(file, memory, 1003)
        .unaligned()
        .within(50ms)
        .start([&](const aioxx::Completion& done) {
            CHECK(done.bytes() == 0);
            abandoned = done.abandoned();
            queue.wait_for_quarantine(abandoned).start([&late](const aioxx::Completion& ended) {
                late = {ended.result(), ended.bytes(), ended.end_of_file()};
            });
            server->open_gate();
        });
    server->await_waiting(1);
    std::array<aioxx::OutstandingOperation, 2> listed;
    REQUIRE(queue.list_outstanding(listed) == 1);
    CHECK(listed[0].offset == 1003);
    CHECK(listed[0].bytes == 17);
    queue.run();
    CHECK(late.result == 17);
    CHECK(late.bytes == 17);
    CHECK(memory[0] == std::byte{}); // it is not touched
}
