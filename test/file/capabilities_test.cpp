// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "file/file_systems.hpp"
#include "file/streams.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace aioxx::test;
using aioxx::Capabilities;
using aioxx::Opcode;
using aioxx::RwFlags;
using Direction = Capabilities::Direction;

namespace {

constexpr std::size_t most = 4096;

/// Really does what Capabilities answers about.
class Deed {
public:
    Deed(const aioxx::File& file, std::size_t length) : file_(file), length_(length) {
        std::fill(buffer_.begin(), buffer_.end(), std::byte{'x'});
    }

    /// The errno with which the file refuses it, or 0. What else becomes of it (EAGAIN for one)
    /// is not a refusal.
    int refusal(Opcode opcode, RwFlags flags = RwFlags::none) {
        const iovec vector{buffer_.data(), length_};
        const std::span<std::byte> bytes = buffer_.first(length_);
        switch (opcode) {
        case Opcode::read:
            iocb_.prepare_read(file_.fd(), bytes, 0);
            break;
        case Opcode::write:
            iocb_.prepare_write(file_.fd(), bytes, 0);
            break;
        case Opcode::readv:
            iocb_.prepare_readv(file_.fd(), {&vector, 1}, 0);
            break;
        case Opcode::writev:
            iocb_.prepare_writev(file_.fd(), {&vector, 1}, 0);
            break;
        case Opcode::fsync:
            iocb_.prepare_fsync(file_.fd());
            break;
        case Opcode::fdatasync:
            iocb_.prepare_fdatasync(file_.fd());
            break;
        case Opcode::poll:
            iocb_.prepare_poll(file_.fd(), POLLIN | POLLOUT);
            break;
        case Opcode::noop:
            return EINVAL;
        }
        iocb_.set_rw_flags(flags);
        std::error_code error;
        context_.submit(iocb_, error);
        if (error) {
            return error.value();
        }
        if (opcode == Opcode::poll) {
            context_.cancel(iocb_, error);
        }
        context_.wait(events_, 1);
        return events_[0].result() == -EOPNOTSUPP ? EOPNOTSUPP : 0;
    }

private:
    const aioxx::File& file_;
    std::size_t length_;
    aioxx::AlignedBuffer buffer_{most, most};
    aioxx::Iocb iocb_;
    aioxx::EventBatch events_{1};
    aioxx::Context context_{1};
};

/// Probes the file, then does all of it, each after `ready`.
void check_against_deeds(
    const aioxx::File& file, std::size_t length, const std::function<void()>& ready = [] {}) {
    const Capabilities found = Capabilities::probe(file);
    Deed deed{file, length};
    for (const Opcode opcode : Capabilities::opcodes) {
        CAPTURE(static_cast<int>(opcode));
        ready();
        CHECK(found.refusal(opcode).value() == deed.refusal(opcode));
    }
    for (const RwFlags flag : Capabilities::flags) {
        CAPTURE(static_cast<unsigned>(flag));
        ready();
        CHECK(found.refusal(flag, Direction::read).value() == deed.refusal(Opcode::read, flag));
        ready();
        CHECK(found.refusal(flag, Direction::write).value() == deed.refusal(Opcode::write, flag));
    }
}

void report(const std::string& name, const char* reason) {
    skip((name + ": " + reason).c_str(), false);
}

std::string bytes_of(const std::string& path) {
    const aioxx::File file = aioxx::File::open(path.c_str(), O_RDONLY);
    std::string bytes(static_cast<std::size_t>(file.size()), '\0');
    REQUIRE(::read(file.fd(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    return bytes;
}

void write_blocks(const std::string& path) {
    const aioxx::File file = aioxx::File::open(path.c_str(), O_WRONLY | O_CREAT);
    const std::string bytes(16 * most, 'a');
    REQUIRE(::write(file.fd(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

} // namespace

TEST_CASE("each answer on a file is what doing it gives, on every file system") {
    SKIP_UNDER_VALGRIND("calm about an address that is meant to be refused");
    for_each_file_system(
        [](const std::string& name, const std::string& path) {
            write_blocks(path);
            for (const int flags : {O_RDWR, O_RDWR | O_DIRECT, O_RDONLY, O_WRONLY | O_APPEND}) {
                INFO(name << ", open flags " << flags);
                std::error_code error;
                const aioxx::File file = aioxx::File::open(path.c_str(), flags, 0, error);
                if (error) {
                    CHECK((flags & O_DIRECT) != 0); // not every file system has it
                    continue;
                }
                check_against_deeds(file, most);
            }
        },
        report);
}

TEST_CASE("probing a file leaves its bytes, its size and its times, on every file system") {
    SKIP_UNDER_VALGRIND("calm about an address that is meant to be refused");
    for_each_file_system(
        [](const std::string& name, const std::string& path) {
            write_blocks(path);
            const std::string bytes = bytes_of(path);
            struct stat before {};
            REQUIRE(::stat(path.c_str(), &before) == 0);
            for (const int flags : {O_RDWR, O_RDWR | O_DIRECT, O_RDWR | O_APPEND}) {
                INFO(name << ", open flags " << flags);
                std::error_code error;
                const aioxx::File file = aioxx::File::open(path.c_str(), flags, 0, error);
                if (error) {
                    continue;
                }
                Capabilities::probe(file);
                struct stat after {};
                REQUIRE(::stat(path.c_str(), &after) == 0);
                CHECK(after.st_size == before.st_size);
                CHECK(after.st_blocks == before.st_blocks);
                CHECK(std::memcmp(&after.st_mtim, &before.st_mtim, sizeof(timespec)) == 0);
                CHECK(std::memcmp(&after.st_ctim, &before.st_ctim, sizeof(timespec)) == 0);
            }
            CHECK(bytes_of(path) == bytes);
        },
        report);
}

TEST_CASE("each answer on a block device is what doing it gives") {
    auto loop = attempt<LoopDevice>(8 * mebibyte, 4096U);
    auto zram = attempt<Zram>(8 * mebibyte);
    if (!loop || !zram) {
        SKIP_CASE(loop ? zram.reason() : loop.reason());
    }
    for (const std::string& path : {loop->path(), zram->path()}) {
        for (const int flags : {O_RDWR, O_RDWR | O_DIRECT}) {
            INFO(path << ", open flags " << flags);
            check_against_deeds(aioxx::File::open(path.c_str(), flags), most);
        }
    }
}

TEST_CASE("each answer on a stream is what doing it gives") {
    SKIP_UNDER_VALGRIND("calm about an address that is meant to be refused");
    for (const Stream::Kind kind : Stream::kinds) {
        Stream stream{kind};
        for (std::size_t end = 0; end < 2; ++end) {
            INFO(Stream::name(kind) << ", end " << end);
            check_against_deeds(stream.end(end), Stream::unit, [&] { stream.make_ready(end); });
        }
    }
}

TEST_CASE("probing a stream takes nothing out of it, and puts nothing into it") {
    SKIP_UNDER_VALGRIND("calm about an address that is meant to be refused");
    for (const Stream::Kind kind : Stream::kinds) {
        Stream stream{kind};
        for (std::size_t end = 0; end < 2; ++end) {
            INFO(Stream::name(kind) << ", end " << end);
            stream.make_ready(end);
            const std::vector<std::string> untouched = stream.look();
            stream.make_ready(end);
            Capabilities::probe(stream.end(end));
            CHECK(stream.look() == untouched);
        }
    }
}

TEST_CASE("a descriptor that cannot be read or written at all says so") {
    SKIP_UNDER_VALGRIND("calm about an address that is meant to be refused");
    const aioxx::File epoll = aioxx::File::adopt(::epoll_create1(EPOLL_CLOEXEC));
    check_against_deeds(epoll, 8);
    CHECK_FALSE(Capabilities::probe(epoll).accepts(Opcode::read));
    CHECK(Capabilities::probe(epoll).accepts(Opcode::poll));
    check_against_deeds(aioxx::File::open("/", O_RDONLY), most);
    check_against_deeds(aioxx::File::open("/", O_PATH), most);
    check_against_deeds(aioxx::File{}, most);
}

TEST_CASE("what is no opcode or no flag is refused without being asked about") {
    SKIP_UNDER_VALGRIND("calm about an address that is meant to be refused");
    const Capabilities found = Capabilities::probe(aioxx::File::open("/dev/zero", O_RDWR));
    CHECK(found.refusal(Opcode::noop).value() == EINVAL);
    CHECK(found.refusal(static_cast<RwFlags>(1U << 30), Direction::read).value() == EOPNOTSUPP);
    CHECK(found.accepts(Opcode::read));
}
