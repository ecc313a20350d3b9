// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The same on every file system.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "devices/new_file_system.hpp"

namespace aioxx::test {
namespace {

constexpr std::size_t block_size = 4096;
constexpr std::size_t block_count = 128;

std::string block_of(std::size_t number) {
    std::string text = "block " + std::to_string(number) + ' ';
    text.resize(block_size, static_cast<char>('a' + number % 26));
    return text;
}

/// Writes a file in blocks, all at a time, and reads it back likewise; then a list of both.
void check_transfers(int fd) {
    std::vector<Block> writes;
    for (std::size_t i = 0; i < block_count; ++i) {
        Block& write = writes.emplace_back(fd, block_of(i), static_cast<off_t>(i * block_size));
        REQUIRE(aio_write(write) == 0);
    }
    Block sync{fd};
    REQUIRE(aio_fsync(O_DSYNC, sync) == 0);
    CHECK(sync.await_result() == 0);
    for (const Block& write : writes) {
        CHECK(write.error() == 0); // the fsync comes after all of them
        CHECK(write.result() == ssize_t{block_size});
    }
    std::vector<Block> reads;
    for (std::size_t i = 0; i < block_count; ++i) {
        reads.emplace_back(fd, block_size, static_cast<off_t>(i * block_size)).as(LIO_READ);
    }
    const std::vector<aiocb*> list = list_of(reads);
    REQUIRE(lio_listio(LIO_WAIT, list.data(), block_count, nullptr) == 0);
    for (std::size_t i = 0; i < block_count; ++i) {
        CHECK((reads[i].text() == block_of(i)));
    }
}

/// Twenty times: 64 writes, close, and the descriptor is another file's. All land in the first.
void check_close_and_reuse(const std::string& path, const std::string& other_path, int flags) {
    flags |= O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
    for (int round = 0; round < 20; ++round) {
        Descriptor meant{::open(path.c_str(), flags, 0600)};
        const Descriptor other{::open(other_path.c_str(), flags, 0600)};
        std::vector<Block> writes;
        for (std::size_t i = 0; i < 64; ++i) {
            Block& write =
                writes.emplace_back(meant, block_of(i), static_cast<off_t>(i * block_size));
            REQUIRE(aio_write(write) == 0);
        }
        const int descriptor = meant;
        meant.close();
        const Descriptor reused{::fcntl(other, F_DUPFD_CLOEXEC, descriptor)};
        REQUIRE(int{reused} == descriptor);
        for (const Block& write : writes) {
            CHECK(write.await_result() == ssize_t{block_size});
        }
        const Descriptor again{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        std::string content(64 * block_size, '\0');
        CHECK(::pread(again, content.data(), content.size(), 0) ==
              static_cast<ssize_t>(content.size()));
        for (std::size_t i = 0; i < 64; ++i) {
            CHECK((content.compare(i * block_size, block_size, block_of(i)) == 0));
        }
        CHECK(::lseek(other, 0, SEEK_END) == 0);
    }
}

void check_on(const std::string& path, bool takes_direct = true) {
    for (const int flags : {O_RDWR, O_RDWR | O_DIRECT}) {
        const bool direct = (flags & O_DIRECT) != 0;
        if (direct && !takes_direct) {
            continue;
        }
        CAPTURE(direct);
        const Descriptor file{::open(path.c_str(), flags | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
        check_transfers(file); // new blocks
        check_transfers(file); // over the old ones
        if (!on_glibc()) {
            check_close_and_reuse(path, path + ".other", flags & O_DIRECT);
        }
    }
}

void check_on_new(const char* type) {
    auto file_system = attempt<NewFileSystem<>>(type);
    if (!file_system) {
        SKIP_CASE(file_system.reason());
    }
    check_on(file_system->file("file"));
}

POSIX_CASE("transfers are right, after close and reuse as well, on the disk of this machine") {
    const TemporaryDirectory directory;
    check_on(directory.file("file"));
}
POSIX_CASE("transfers are right, after close and reuse as well, on ext4") {
    check_on_new("ext4");
}
POSIX_CASE("transfers are right, after close and reuse as well, on XFS") {
    check_on_new("xfs");
}
POSIX_CASE("transfers are right, after close and reuse as well, on btrfs") {
    check_on_new("btrfs");
}

POSIX_CASE("transfers are right, after close and reuse as well, on overlayfs") {
    auto overlay = attempt<Overlay>();
    if (!overlay) {
        SKIP_CASE(overlay.reason());
    }
    check_on(overlay->file("file"));
}

POSIX_CASE("transfers are right, after close and reuse as well, on tmpfs") {
    auto memory = attempt<Tmpfs>(16 * mebibyte);
    if (!memory) {
        SKIP_CASE(memory.reason());
    }
    check_on(memory->file("file"), false);
}

} // namespace
} // namespace aioxx::test
