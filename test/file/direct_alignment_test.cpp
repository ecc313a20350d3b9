// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "file/file_systems.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <unistd.h>

using namespace aioxx::test;
using Source = aioxx::DirectAlignment::Source;

namespace {

constexpr std::size_t room = 65536;

/// What kernel AIO answers to a direct read whose buffer, offset and length are such multiples.
std::int64_t read_at(const aioxx::File& file, std::uint32_t memory, std::uint32_t offset) {
    aioxx::AlignedBuffer buffer{2 * room, room};
    aioxx::Iocb iocb;
    iocb.prepare_read(file.fd(), {buffer.data() + memory, offset}, offset);
    aioxx::EventBatch events{1};
    aioxx::Context context{1};
    context.submit(iocb);
    context.wait(events, 1);
    return events[0].result();
}

void check_alignment(const aioxx::File& file) {
    const aioxx::DirectAlignment alignment = file.direct_alignment();
    INFO("memory " << alignment.memory << ", offset " << alignment.offset << ", source "
                   << static_cast<int>(alignment.source));
    REQUIRE(alignment.supported());
    CHECK(read_at(file, alignment.memory, alignment.offset) == alignment.offset);
    if (alignment.source != Source::assumed) { // then it is no more than is needed
        CHECK(read_at(file, alignment.memory, alignment.offset / 2) == -EINVAL);
    }
}

void fill(const std::string& path) {
    const aioxx::File file = aioxx::File::open(path.c_str(), O_WRONLY | O_CREAT);
    aioxx::AlignedBuffer data{4 * room, 4096};
    std::fill(data.begin(), data.end(), std::byte{1});
    REQUIRE(::write(file.fd(), data.data(), data.size()) == static_cast<ssize_t>(data.size()));
    REQUIRE(::fsync(file.fd()) == 0);
}

} // namespace

TEST_CASE("a direct read at the alignment that a file tells is accepted, on every file system") {
    for_each_file_system(
        [](const std::string& name, const std::string& path) {
            CAPTURE(name);
            fill(path);
            std::error_code error;
            const aioxx::File file = aioxx::File::open(path.c_str(), O_RDONLY | O_DIRECT, 0, error);
            if (error) {
                CHECK(error.value() == EINVAL); // tmpfs before Linux 6.6
                return;
            }
            CHECK(file.is_direct());
            check_alignment(file);
            const aioxx::File buffered = aioxx::File::open(path.c_str(), O_RDONLY);
            CHECK(buffered.direct_alignment().offset == file.direct_alignment().offset);
            CHECK_FALSE(buffered.is_direct());
        },
        [](const std::string& name, const char* reason) {
            skip((name + ": " + reason).c_str(), false);
        });
}

TEST_CASE("a file on sectors of 4096 bytes asks for 4096") {
    for (const char* const type : {"ext4", "xfs"}) {
        CAPTURE(type);
        auto place = attempt<OnLoop>(type, 4096U);
        if (!place) {
            SKIP_CASE(place.reason());
        }
        fill(place->file("file"));
        const aioxx::File file =
            aioxx::File::open(place->file("file").c_str(), O_RDONLY | O_DIRECT);
        CHECK(file.direct_alignment().offset == 4096);
        CHECK(read_at(file, 4096, 512) == -EINVAL);
    }
}

TEST_CASE("a block device asks for its sectors") {
    for (const unsigned sector : {512U, 4096U}) {
        CAPTURE(sector);
        auto disk = attempt<LoopDevice>(8 * mebibyte, sector);
        if (!disk) {
            SKIP_CASE(disk.reason());
        }
        const aioxx::File file = aioxx::File::open(disk->path().c_str(), O_RDONLY | O_DIRECT);
        CHECK(file.direct_alignment().offset == sector);
        CHECK(file.direct_alignment().source != Source::assumed);
        check_alignment(file);
    }
}

TEST_CASE("a file whose file system says so takes no direct I/O") {
    auto disk = attempt<LoopDevice>(64 * mebibyte);
    if (!disk) {
        SKIP_CASE(disk.reason());
    }
    { const FileSystem formatted{"ext4", disk->path()}; }
    auto journaled = attempt<Mount>("-t ext4 -o data=journal " + disk->path());
    if (!journaled) {
        SKIP_CASE(journaled.reason());
    }
    fill(journaled->file("file"));
    const aioxx::File file = aioxx::File::open(journaled->file("file").c_str(), O_RDONLY);
    if (file.direct_alignment().source != Source::statx) {
        SKIP_CASE("statx tells nothing on direct I/O (before Linux 6.1)");
    }
    CHECK_FALSE(file.direct_alignment().supported());
}

TEST_CASE("what is neither a file nor a block device takes no direct I/O") {
    for (const char* const path : {"/", "/dev/null"}) {
        CHECK_FALSE(aioxx::File::open(path, O_RDONLY).direct_alignment().supported());
    }
    CHECK_FALSE(aioxx::File{}.direct_alignment().supported());
}
