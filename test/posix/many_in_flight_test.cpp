// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Any number of requests is accepted. Those for which there is no room wait in user space, and go
// on without another call.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include <sys/resource.h>

namespace aioxx::test {
namespace {

/// Leaves this process 64 descriptors.
void few_descriptors() {
    const rlimit limit{64, 64};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

constexpr std::size_t sector = 512;

/// `count` sectors, each full of its number.
std::string numbered_sectors(std::size_t count) {
    std::string content;
    for (std::size_t i = 0; i < count; ++i) {
        const auto number = static_cast<std::uint32_t>(i);
        for (std::size_t at = 0; at < sector; at += sizeof(number)) {
            content.append(reinterpret_cast<const char*>(&number), sizeof(number));
        }
    }
    return content;
}

bool holds_sector(const Block& block, std::size_t index) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, block.data(), sizeof(first));
    std::memcpy(&last, block.data() + sector - sizeof(last), sizeof(last));
    return first == index && last == index;
}

std::vector<Block> sector_reads(int fd, std::size_t count) {
    std::vector<Block> blocks;
    blocks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        blocks.emplace_back(fd, sector, static_cast<off_t>(i * sector)).as(LIO_READ);
    }
    return blocks;
}

POSIX_CASE("5000 reads in one list are all done, with 64 descriptors") {
    constexpr std::size_t count = 5000;
    few_descriptors();
    for (const int flags : {O_RDONLY, O_RDONLY | O_DIRECT}) {
        const TemporaryFile file{numbered_sectors(count), flags};
        const std::vector<Block> blocks = sector_reads(file, count);
        const std::vector<aiocb*> list = list_of(blocks);
        REQUIRE(lio_listio(LIO_WAIT, list.data(), count, nullptr) == 0);
        std::size_t right = 0;
        for (std::size_t i = 0; i < count; ++i) {
            right += blocks[i].error() == 0 && blocks[i].result() == ssize_t{sector} &&
                     holds_sector(blocks[i], i);
        }
        CHECK(right == count);
    }
}

POSIX_CASE("5000 writes in one list are all done, with 64 descriptors") {
    constexpr std::size_t count = 5000;
    few_descriptors();
    const std::string content = numbered_sectors(count);
    const TemporaryFile file;
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < count; ++i) {
        blocks.emplace_back(file, std::string_view{content}.substr(i * sector, sector),
                            static_cast<off_t>(i * sector));
        blocks.back().as(LIO_WRITE);
    }
    const std::vector<aiocb*> list = list_of(blocks);
    CHECK(lio_listio(LIO_WAIT, list.data(), count, nullptr) == 0);
    CHECK(file.content() == content);
}

POSIX_CASE("20000 reads on one pipe are accepted, and each gets its byte in turn") {
    constexpr std::size_t count = 20'000;
    few_descriptors();
    const Pipe pipe;
    std::vector<Block> blocks;
    blocks.reserve(count);
    std::size_t accepted = 0;
    std::string sent;
    for (std::size_t i = 0; i < count; ++i) {
        blocks.emplace_back(pipe.reader, 1);
        accepted += aio_read(blocks.back()) == 0;
        sent += static_cast<char>(i % 251);
    }
    CHECK(accepted == count);
    pipe.fill(sent);
    // they go on while no call is made
    REQUIRE(eventually([&] { return readable_bytes(pipe.reader) == 0; }));
    CHECK(blocks.back().await_result() == 1);
    std::string received;
    for (const Block& block : blocks) {
        received += block.wait() == 0 ? block.text() : "?";
    }
    CHECK(received == sent);
}

POSIX_CASE("requests that wait for room go on while the program makes no call") {
    constexpr std::size_t count = 5000;
    few_descriptors();
    const TemporaryFile file{numbered_sectors(count), O_RDONLY | O_DIRECT};
    const std::vector<Block> blocks = sector_reads(file, count);
    for (std::size_t i = count; i-- > 0;) { // sector 0, which looks like no data, is the last
        REQUIRE(aio_read(blocks[i]) == 0);
    }
    const auto filled = [&](const Block& block, std::size_t index) {
        return *reinterpret_cast<const volatile std::uint32_t*>(block.data()) == index;
    };
    for (std::size_t i = count - 1; i > 0; --i) {
        REQUIRE(eventually([&] { return filled(blocks[i], i); }));
    }
    for (const Block& block : blocks) {
        CHECK(block.await_result() == ssize_t{sector});
    }
}

POSIX_CASE("requests on more pipes than may be open at a time all complete") {
    few_descriptors();
    std::vector<Block> blocks;
    std::vector<Descriptor> writers;
    for (int i = 0; i < 25; ++i) {
        Pipe pipe;
        Block& read = blocks.emplace_back(pipe.reader, 1);
        REQUIRE(aio_read(read) == 0);
        if (on_glibc()) { // a thread reads from the descriptor, at whatever time
            pipe.fill("x");
            CHECK(read.await_result() == 1);
            continue;
        }
        writers.push_back(std::move(pipe.writer)); // the reader is closed, and pinned
    }
    for (const Descriptor& writer : writers) {
        CHECK(::write(writer, "x", 1) == 1);
    }
    for (const Block& block : blocks) {
        CHECK(block.wait() == 0);
    }
}

} // namespace
} // namespace aioxx::test
