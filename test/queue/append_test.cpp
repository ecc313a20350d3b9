// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Direct appends, all started at once. Handed to the kernel side by side they overwrite each other
// on XFS (Linux 6.18: 64 of 4 KiB have left a file of 4 KiB): one after the other is no luxury.
#include "devices/new_file_system.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

constexpr std::size_t block_size = 4096;
constexpr std::size_t count = 64;

void check_appends(const char* type) {
    auto mounted = attempt<NewFileSystem<>>(type);
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    const std::string path = mounted->path() + "/appended";
    const aioxx::File file =
        aioxx::File::open(path.c_str(), O_RDWR | O_CREAT | O_DIRECT | O_APPEND);
    std::vector<aioxx::AlignedBuffer> blocks;
    aioxx::Queue queue;
    std::size_t written = 0;
    for (std::size_t i = 0; i < count; ++i) {
        blocks.emplace_back(block_size, block_size);
        std::ranges::fill(blocks.back(), static_cast<std::byte>(i + 1));
    }
    for (const aioxx::AlignedBuffer& block : blocks) {
        queue.write(file, block, 0).start([&written](const aioxx::Completion& done) {
            written += done.bytes();
        });
    }
    queue.run();
    CHECK(written == count * block_size);
    REQUIRE(file.size() == static_cast<std::int64_t>(count * block_size));
    aioxx::AlignedBuffer block{block_size, block_size};
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(::pread(file.fd(), block.data(), block_size, static_cast<off_t>(i * block_size)) ==
                static_cast<ssize_t>(block_size));
        const bool in_place = std::ranges::all_of(
            block, [i](std::byte byte) { return byte == static_cast<std::byte>(i + 1); });
        CAPTURE(i);
        CHECK(in_place);
    }
}

} // namespace

TEST_CASE("direct appends lose nothing and keep their order on XFS") {
    check_appends("xfs");
}

TEST_CASE("direct appends lose nothing and keep their order on ext4") {
    check_appends("ext4");
}

TEST_CASE("direct appends lose nothing and keep their order on btrfs") {
    check_appends("btrfs");
}
