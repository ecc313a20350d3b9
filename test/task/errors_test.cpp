// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What is thrown says which operation failed, where, and why.
#include "queue/files.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>
#include <poll.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

template <typename Operation>
aioxx::Task<std::string> text_of_failure(Operation operation) {
    try {
        static_cast<void>(co_await std::move(operation));
    } catch (const std::system_error& error) {
        co_return error.what();
    }
    co_return "no error";
}

/// Of awaiting `operation` on `queue`.
template <typename Operation>
std::string failure(aioxx::Queue& queue, Operation operation) {
    return aioxx::run(queue, text_of_failure(std::move(operation)));
}

template <typename Operation>
std::string refusal(Operation operation) {
    try {
        operation.start([](const aioxx::Completion&) {});
    } catch (const std::system_error& error) {
        return error.what();
    }
    return "no error";
}

std::string at(const aioxx::File& file) {
    return ", descriptor " + std::to_string(file.fd());
}

} // namespace

TEST_CASE("the text of a failure has the operation, bytes, offset and descriptor") {
    aioxx::Queue queue;
    const aioxx::File reads = disk_file(O_RDONLY, "content");
    const aioxx::File writes = disk_file(O_WRONLY);
    aioxx::AlignedBuffer memory{64, 64};
    std::ranges::fill(memory, std::byte{});
    CHECK(failure(queue, queue.write(reads, memory.first(16), 100)) ==
          "write of 16 bytes at 100" + at(reads) + ": Bad file descriptor");
    CHECK(failure(queue, queue.read_full(writes, aioxx::AlignedBuffer{32, 32}, 7)) ==
          "read_full of 32 bytes at 7" + at(writes) + ": Bad file descriptor");
    const std::vector<iovec> parts(3, iovec{memory.data(), 8});
    CHECK(failure(queue, queue.readv(writes, parts, 0)) ==
          "readv of 3 parts at 0" + at(writes) + ": Bad file descriptor");
    CHECK(failure(queue, queue.read(reads, memory, -1)) ==
          "read of 64 bytes at -1" + at(reads) + ": Invalid argument");
}

TEST_CASE("the text of a failure of direct I/O names the alignment that was broken") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(8192, 'x'));
    const aioxx::DirectAlignment wants = file.direct_alignment();
    const bool known = wants.supported() && wants.source != aioxx::DirectAlignment::Source::assumed;
    const std::string unit = std::to_string(known ? wants.offset : 512);
    const std::string memory_unit = std::to_string(known ? wants.memory : 512);
    const std::string end = known ? ")" : " or more)";
    aioxx::AlignedBuffer memory{8192, 4096};
    std::ranges::fill(memory, std::byte{});
    const std::string before =
        " bytes at 0" + at(file) + ": Invalid argument (direct I/O here wants ";
    CHECK(failure(queue, queue.read(file, memory.first(4096), 100)) ==
          "read of 4096 bytes at 100" + at(file) +
              ": Invalid argument (direct I/O here wants offsets in multiples of " + unit + end);
    CHECK(failure(queue, queue.write(file, memory.first(100), 0)) ==
          "write of 100" + before + "lengths in multiples of " + unit + end);
    CHECK(failure(queue, queue.read(file, {memory.data() + 1, 4096}, 0)) ==
          "read of 4096" + before + "memory at addresses in multiples of " + memory_unit + end);
}

TEST_CASE("the text of a time-out speaks of no connection") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    CHECK(failure(queue, queue.poll(pipe.reader, POLLIN).within(1ms)) ==
          "poll" + at(pipe.reader) + ": timed out");
    CHECK(failure(queue, queue.sleep_for(1h).within(0ns)) == "sleep: timed out");
}

TEST_CASE("the text of a failure is there when the File has gone meanwhile") {
    aioxx::Queue queue;
    Ends pipe = make_pipe();
    const std::string wanted = "poll" + at(pipe.reader) + ": timed out";
    queue.sleep_for(0ns).start([&](const aioxx::Completion&) { pipe.reader.close(); });
    CHECK(failure(queue, queue.poll(pipe.reader, POLLIN).within(1ms)) == wanted);
}

TEST_CASE("the text of a refusal says what refused it") {
    aioxx::Queue::Options options;
    options.limit = 1;
    aioxx::Queue queue{options};
    const Ends pipe = make_pipe();
    const aioxx::File none;
    CHECK(refusal(queue.fsync(none)) ==
          "fsync is refused: Bad file descriptor (the File is not open)");
    queue.poll(pipe.reader, POLLIN).start([](const aioxx::Completion&) {});
    CHECK(refusal(queue.poll(pipe.reader, POLLIN)) ==
          "poll" + at(pipe.reader) +
              " is refused: Resource temporarily unavailable (the queue is full: Options::limit)");
    static_cast<void>(queue.close_for(0ns));
    CHECK(refusal(queue.wait_for_capacity()) ==
          "wait for capacity is refused: Operation canceled (the queue is closed)");
}
