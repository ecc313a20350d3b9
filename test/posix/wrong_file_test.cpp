// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A request goes to the file that its descriptor was when the request was made, and the program
// notices nothing of what keeps that file open.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"

namespace aioxx::test {
namespace {

/// 64 writes to one file, closed at once, while its descriptor becomes another's: how many of them
/// each file holds.
std::pair<std::size_t, std::size_t> write_close_reuse(int flags, std::size_t size) {
    constexpr std::size_t count = 64;
    TemporaryFile meant{{}, flags};
    const TemporaryFile other{{}, flags};
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < count; ++i) {
        Block& write =
            blocks.emplace_back(meant, std::string(size, 'w'), static_cast<off_t>(i * size));
        REQUIRE(aio_write(write) == 0);
    }
    const int descriptor = meant;
    meant.close();
    const Descriptor reused{::fcntl(other, F_DUPFD_CLOEXEC, descriptor)};
    REQUIRE(int{reused} == descriptor);
    for (const Block& block : blocks) {
        const ssize_t result = block.await_result();
        // or EBADF, between the two files
        CHECK((result == static_cast<ssize_t>(size) || (on_glibc() && result == -EBADF)));
    }
    const auto written = [&](const TemporaryFile& file) {
        const std::string content = file.content();
        return static_cast<std::size_t>(std::count(content.begin(), content.end(), 'w')) / size;
    };
    return {written(meant), written(other)};
}

POSIX_CASE("64 writes, then close, then the descriptor is another file's: 20 of 20 land right") {
    std::size_t missing = 0;
    for (const int flags : {O_RDWR, O_RDWR | O_DIRECT, O_RDWR | O_APPEND}) {
        CAPTURE(flags);
        for (int round = 0; round < 20; ++round) {
            const auto [right, wrong] = write_close_reuse(flags, 4096);
            missing += 64 - right;
            if (!on_glibc()) {
                CHECK(right == 64);
                CHECK(wrong == 0);
            }
        }
    }
    // with glibc nearly all go to the other file, and most of those report success
    CHECK((missing > 0) == on_glibc());
}

POSIX_CASE("64 reads, then close, then the descriptor is another file's: all read the first") {
    NOT_ON_GLIBC("its threads read from the file that the descriptor is by then");
    for (const int flags : {O_RDONLY, O_RDONLY | O_DIRECT}) {
        TemporaryFile meant{std::string(64 * 4096, 'r'), flags};
        const TemporaryFile other{std::string(64 * 4096, '?'), flags};
        std::vector<Block> blocks;
        for (int i = 0; i < 64; ++i) {
            REQUIRE(aio_read(blocks.emplace_back(meant, 4096, i * 4096)) == 0);
        }
        const int descriptor = meant;
        meant.close();
        const Descriptor reused{::fcntl(other, F_DUPFD_CLOEXEC, descriptor)};
        REQUIRE(int{reused} == descriptor);
        for (const Block& block : blocks) {
            CHECK(block.await_result() == 4096);
            CHECK((block.text() == std::string(4096, 'r')));
        }
    }
}

POSIX_CASE("reads that wait on a pipe get its data although their descriptor is another pipe's") {
    NOT_ON_GLIBC("its threads read from the file that the descriptor is by then");
    Pipe meant;
    Pipe other;
    other.fill("??????????");
    std::vector<Block> blocks;
    for (int i = 0; i < 10; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(meant.reader)) == 0);
    }
    const int descriptor = meant.reader;
    REQUIRE(::dup3(other.reader, descriptor, O_CLOEXEC) == descriptor);
    meant.fill("0123456789");
    std::string received;
    for (const Block& block : blocks) {
        received += block.await_result() == 1 ? block.text() : "!";
    }
    CHECK(received == "0123456789");
    CHECK(readable_bytes(other.reader) == 10);
}

/// Whether another process sees a record lock on `path`.
bool is_locked(int file) {
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    return run_in_child([&] {
               const int own = ::open(path.c_str(), O_RDWR);
               struct flock lock {};
               lock.l_type = F_WRLCK;
               lock.l_whence = SEEK_SET;
               return own >= 0 && ::fcntl(own, F_SETLK, &lock) < 0 ? 1 : 0;
           }).status == 1;
}

POSIX_CASE("the program's record locks hold while requests come and go, and afterwards") {
    for (const int flags : {O_RDWR, O_RDWR | O_DIRECT, O_RDWR | O_APPEND}) {
        const TemporaryFile file{std::string(64 * 4096, 'x'), flags};
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        REQUIRE(::fcntl(file, F_SETLK, &lock) == 0);
        REQUIRE(is_locked(file));
        std::vector<Block> blocks;
        for (int i = 0; i < 64; ++i) {
            REQUIRE(aio_read(blocks.emplace_back(file, 4096, i * 4096)) == 0);
            REQUIRE(aio_write(blocks.emplace_back(file, std::string(4096, 'w'), i * 4096)) == 0);
        }
        REQUIRE(aio_fsync(O_SYNC, blocks.emplace_back(file)) == 0);
        CHECK(is_locked(file));
        for (const Block& block : blocks) {
            CHECK(block.wait() == 0);
        }
        CHECK(is_locked(file));
        CHECK(aio_cancel(file, nullptr) == AIO_ALLDONE);
        CHECK(is_locked(file));
    }
}

int lowest_free_descriptor() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(fd);
    return fd;
}

POSIX_CASE("the lowest free descriptor is the one that the program expects") {
    const TemporaryFile file{std::string(4096, 'x')};
    const Pipe pipe;
    const Pipe full;
    const int lowest = lowest_free_descriptor();
    std::vector<Block> blocks;
    for (int i = 0; i < 30; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(pipe.reader)) == 0);
        REQUIRE(aio_read(blocks.emplace_back(file, 4096)) == 0);
        REQUIRE(aio_fsync(O_SYNC, blocks.emplace_back(file)) == 0);
        CHECK(lowest_free_descriptor() == lowest);
    }
    const std::string much(200'000, 'w');
    REQUIRE(aio_write(blocks.emplace_back(full.writer, much)) == 0);
    REQUIRE(eventually([&] { return readable_bytes(full.reader) > 0; }));
    CHECK(lowest_free_descriptor() == lowest);
    pipe.fill(std::string(30, 'x'));
    std::string drained(much.size(), '\0');
    for (std::size_t length = 0; length < much.size();) {
        const ssize_t part = ::read(full.reader, drained.data(), drained.size() - length);
        REQUIRE(part > 0);
        length += static_cast<std::size_t>(part);
    }
    for (const Block& block : blocks) {
        CHECK(block.wait() == 0);
    }
    CHECK(lowest_free_descriptor() == lowest);
}

POSIX_CASE("a program that closes every descriptor it does not know goes on with its requests") {
    const TemporaryFile file{"content"};
    const Pipe pipe;
    const auto use = [&] {
        Block read{file, 7};
        REQUIRE(aio_read(read) == 0);
        CHECK(read.await_result() == 7);
        Block waiting{pipe.reader};
        REQUIRE(aio_read(waiting) == 0);
        pipe.fill("x");
        CHECK(waiting.await_result() == 1);
    };
    use();
    const int last = std::max({int{file}, int{pipe.reader}, int{pipe.writer}});
    REQUIRE(::close_range(static_cast<unsigned>(last) + 1, ~0U, 0) == 0);
    use();
    use();
}

POSIX_CASE("a pipe's reader sees the end of the file when the last request is done") {
    Pipe pipe;
    Block write{pipe.writer, "content"};
    REQUIRE(aio_write(write) == 0);
    CHECK(write.await_result() == 7);
    pipe.writer.close();
    std::array<char, 16> part{};
    CHECK(::read(pipe.reader, part.data(), part.size()) == 7);
    CHECK(::read(pipe.reader, part.data(), part.size()) == 0);
}

POSIX_CASE("with the writer closed under a request, the end of the file comes after that") {
    NOT_ON_GLIBC("writes that wait find their descriptor closed");
    Pipe pipe;
    std::vector<Block> blocks;
    constexpr std::size_t size = 50'000;
    for (int i = 0; i < 6; ++i) {
        REQUIRE(aio_write(blocks.emplace_back(pipe.writer, std::string(size, 'w'))) == 0);
    }
    pipe.writer.close();
    std::size_t received = 0;
    std::array<char, 20'000> part{};
    ssize_t length = 0;
    while ((length = ::read(pipe.reader, part.data(), part.size())) > 0) {
        received += static_cast<std::size_t>(length);
    }
    CHECK(length == 0);
    CHECK(received == 6 * size);
    for (const Block& block : blocks) {
        CHECK(block.await_result() == ssize_t{size});
    }
}

POSIX_CASE("a pipe's writer sees that it has no reader when the last read has been cancelled") {
    NOT_ON_GLIBC("it cancels no read that a thread is in");
    Pipe pipe;
    const int descriptor = pipe.reader;
    Block read{pipe.reader};
    Block other{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    REQUIRE(aio_read(other) == 0);
    REQUIRE(aio_cancel(descriptor, nullptr) == AIO_CANCELED);
    pipe.reader.close();
    ::signal(SIGPIPE, SIG_IGN);
    // the pin may end a moment later
    CHECK(eventually([&] { return ::write(pipe.writer, "x", 1) < 0 && errno == EPIPE; }));
}

} // namespace
} // namespace aioxx::test
