// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/block_devices.hpp"
#include "devices/fuse_server.hpp"
#include "skip.hpp"

#include <aioxx/file/file.hpp>

#include <cerrno>
#include <cstdlib>
#include <ostream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace aioxx::test;
using aioxx::File;
using aioxx::FileKind;

namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

int open_null() {
    return ::open("/dev/null", O_RDWR | O_CLOEXEC);
}

const std::error_code bad_descriptor{EBADF, std::generic_category()};

/// Nothing is left in it, and no call harms.
void check_inert(File& file) {
    CHECK_FALSE(file.is_open());
    CHECK(file.fd() == -1);
    CHECK_FALSE(file.is_owned());
    CHECK(file.kind() == FileKind::none);
    CHECK_FALSE(file.is_stream());
    CHECK_FALSE(file.is_readable());
    CHECK_FALSE(file.is_writable());
    CHECK_FALSE(file.is_direct());
    CHECK_FALSE(file.is_append());
    CHECK_FALSE(file.is_in_memory());
    CHECK_FALSE(file.is_on_fuse());
    CHECK_FALSE(file.direct_alignment().supported());
    std::error_code error;
    CHECK(file.size(error) == 0);
    CHECK(error == bad_descriptor);
    file.close(error);
    CHECK_FALSE(error);
    CHECK(file.release() == -1);
}

} // namespace

// --- Who owns the descriptor --------------------------------------------------------------------

TEST_CASE("an opened file is owned, close-on-exec, and closed with its object") {
    int fd = -1;
    {
        const File file = File::open("/dev/null", O_RDONLY);
        fd = file.fd();
        CHECK(file.is_open());
        CHECK(file.is_owned());
        CHECK(::fcntl(fd, F_GETFD) == FD_CLOEXEC);
    }
    CHECK_FALSE(is_open(fd));
}

TEST_CASE("an adopted descriptor is closed with its object") {
    const int fd = open_null();
    {
        const File file = File::adopt(fd);
        CHECK(file.fd() == fd);
        CHECK(file.is_owned());
    }
    CHECK_FALSE(is_open(fd));
}

TEST_CASE("a borrowed descriptor stays open") {
    const int fd = open_null();
    {
        File file = File::borrow(fd);
        CHECK(file.fd() == fd);
        CHECK_FALSE(file.is_owned());
        file.close();
        check_inert(file);
        const File other = File::borrow(fd);
    }
    CHECK(is_open(fd));
    ::close(fd);
}

TEST_CASE("a released descriptor stays open, and belongs to the caller") {
    File file = File::open("/dev/null", O_RDONLY);
    const int fd = file.release();
    CHECK(is_open(fd));
    check_inert(file);
    ::close(fd);
}

TEST_CASE("closing twice is no error") {
    File file = File::open("/dev/null", O_RDONLY);
    const int fd = file.fd();
    file.close();
    CHECK_FALSE(is_open(fd));
    file.close();
    check_inert(file);
}

TEST_CASE("a moved-from file is inert") {
    File from = File::open("/dev/null", O_RDWR | O_APPEND);
    const int fd = from.fd();
    File to{std::move(from)};
    check_inert(from);
    CHECK(to.fd() == fd);
    CHECK(to.kind() == FileKind::character_device);
    CHECK(to.is_append());

    File target = File::open("/dev/null", O_RDONLY);
    const int closed = target.fd();
    target = std::move(to);
    check_inert(to);
    CHECK_FALSE(is_open(closed));
    CHECK(target.fd() == fd);
    CHECK(target.is_owned());
    CHECK(target.is_append());

    File& same = target;
    target = std::move(same);
    CHECK(target.fd() == fd);
    CHECK(is_open(fd));
}

TEST_CASE("a file that never was is inert") {
    File file;
    check_inert(file);
}

// --- What goes wrong ----------------------------------------------------------------------------

TEST_CASE("what is no descriptor cannot be adopted or borrowed") {
    const int fd = open_null();
    ::close(fd);
    for (const int bad : {-1, fd}) {
        std::error_code error;
        File adopted = File::adopt(bad, error);
        CHECK(error == bad_descriptor);
        check_inert(adopted);
        File borrowed = File::borrow(bad, error);
        CHECK(error == bad_descriptor);
        check_inert(borrowed);
    }
    CHECK_THROWS_AS(File::adopt(-1), std::system_error);
    CHECK_THROWS_AS(File::borrow(-1), std::system_error);
}

TEST_CASE("a file that cannot be opened throws, and the text names it") {
    std::error_code error;
    File file = File::open("/nowhere/at all", O_RDONLY, 0, error);
    CHECK(error == std::error_code(ENOENT, std::generic_category()));
    check_inert(file);
    try {
        File::open("/nowhere/at all", O_RDONLY);
        FAIL("opened");
    } catch (const std::system_error& thrown) {
        CHECK(thrown.code() == error);
        CHECK(std::string{thrown.what()}.find("/nowhere/at all") != std::string::npos);
    }
}

TEST_CASE("direct I/O is taken where the file system has it, and else the file stays as it is") {
    const TemporaryDirectory place;
    const std::string path = place.file("file");
    File file = File::open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND);
    CHECK(file.try_direct());
    CHECK(file.is_direct());
    CHECK(file.is_append());
    CHECK((::fcntl(file.fd(), F_GETFL) & (O_DIRECT | O_APPEND)) == (O_DIRECT | O_APPEND));
    CHECK(file.try_direct()); // as it is already

    File buffered = File::open("/proc/version", O_RDONLY);
    CHECK_FALSE(buffered.try_direct());
    CHECK((::fcntl(buffered.fd(), F_GETFL) & O_DIRECT) == 0);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    File reader = File::adopt(ends[0]);
    File writer = File::adopt(ends[1]);
    CHECK_FALSE(writer.try_direct());
    CHECK((::fcntl(writer.fd(), F_GETFL) & O_DIRECT) == 0);
    CHECK_FALSE(File{}.try_direct());
}

TEST_CASE("where O_DIRECT is refused the text says that it was asked for") {
    try {
        File::open("/proc/version", O_RDONLY | O_DIRECT);
        FAIL("opened");
    } catch (const std::system_error& thrown) {
        CHECK(thrown.code() == std::errc::invalid_argument);
        CHECK(std::string{thrown.what()}.find("/proc/version (with O_DIRECT") == 0);
    }
}

TEST_CASE("a path that is null is an error like any other") {
    std::error_code error;
    CHECK_FALSE(File::open(nullptr, O_RDONLY, 0, error).is_open());
    CHECK(error == std::errc::bad_address);
    CHECK_THROWS_AS(File::open(nullptr, O_RDONLY), std::system_error);
}

TEST_CASE("a success clears the error that was there") {
    std::error_code error{EIO, std::generic_category()};
    File file = File::open("/dev/null", O_RDONLY, 0, error);
    CHECK_FALSE(error);
    error.assign(EIO, std::generic_category());
    CHECK(file.size(error) == 0);
    CHECK_FALSE(error);
    error.assign(EIO, std::generic_category());
    file.close(error);
    CHECK_FALSE(error);
}

// --- What it knows ------------------------------------------------------------------------------

TEST_CASE("a file is opened relative to a directory, with the mode that was asked for") {
    const TemporaryDirectory place;
    const File directory = File::open(place.path().c_str(), O_RDONLY | O_DIRECTORY);
    CHECK(directory.kind() == FileKind::directory);
    std::error_code error;
    const File file = File::open_at(directory.fd(), "file", O_WRONLY | O_CREAT, 0600, error);
    REQUIRE_FALSE(error);
    struct stat status {};
    REQUIRE(::stat(place.file("file").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(file.kind() == FileKind::regular);
    CHECK_FALSE(file.is_stream());
    CHECK_FALSE(directory.is_stream());
}

TEST_CASE("the kind of a stream is known") {
    int pipe_ends[2];
    REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
    int sockets[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets) == 0);
    const TemporaryDirectory place;
    REQUIRE(::mkfifo(place.file("fifo").c_str(), 0600) == 0);
    const int pty = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct {
        int fd;
        FileKind kind;
    } const streams[] = {
        {pipe_ends[0], FileKind::pipe},
        {pipe_ends[1], FileKind::pipe},
        {::open(place.file("fifo").c_str(), O_RDWR | O_CLOEXEC), FileKind::pipe},
        {sockets[0], FileKind::socket},
        {sockets[1], FileKind::socket},
        {pty, FileKind::character_device},
        {open_null(), FileKind::character_device},
        {::eventfd(0, EFD_CLOEXEC), FileKind::other},
        {::epoll_create1(EPOLL_CLOEXEC), FileKind::other},
    };
    for (const auto& stream : streams) {
        const File file = File::adopt(stream.fd);
        CHECK(file.kind() == stream.kind);
        CHECK(file.is_stream());
        CHECK(file.size() == 0);
    }
}

TEST_CASE("a file knows how it was opened") {
    const TemporaryDirectory place;
    const std::string path = place.file("file");
    const File write_only = File::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND);
    CHECK_FALSE(write_only.is_readable());
    CHECK(write_only.is_writable());
    CHECK(write_only.is_append());
    CHECK_FALSE(write_only.is_direct());
    const File read_only = File::open(path.c_str(), O_RDONLY);
    CHECK(read_only.is_readable());
    CHECK_FALSE(read_only.is_writable());
    CHECK_FALSE(read_only.is_append());
    const File both = File::open(path.c_str(), O_RDWR | O_DIRECT);
    CHECK(both.is_readable());
    CHECK(both.is_writable());
    CHECK(both.is_direct());
    const File name_only = File::open(path.c_str(), O_PATH);
    CHECK(name_only.kind() == FileKind::regular);
    CHECK_FALSE(name_only.is_readable());
    CHECK_FALSE(name_only.is_writable());
    const File control_only = File::open(path.c_str(), O_ACCMODE); // for ioctl alone
    CHECK_FALSE(control_only.is_readable());
    CHECK_FALSE(control_only.is_writable());
}

TEST_CASE("a file knows whether it lies in memory, on FUSE, or on neither") {
    const File memory = File::adopt(::memfd_create("file", MFD_CLOEXEC));
    CHECK(memory.is_in_memory());
    CHECK_FALSE(memory.is_on_fuse());
    const File process = File::open("/proc/self/stat", O_RDONLY);
    CHECK_FALSE(process.is_in_memory());
    CHECK_FALSE(process.is_on_fuse());
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    File served = File::open(server->file("plain").c_str(), O_RDWR);
    CHECK(served.is_on_fuse());
    CHECK_FALSE(served.is_in_memory());
    const File moved = std::move(served);
    CHECK(moved.is_on_fuse());
    check_inert(served);
}

TEST_CASE("a pipe of packets is not direct I/O, although it has the same flag") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_DIRECT) == 0);
    CHECK_FALSE(File::adopt(ends[0]).is_direct());
    CHECK_FALSE(File::adopt(ends[1]).is_direct());
}

TEST_CASE("the size of a file is the present one") {
    const TemporaryDirectory place;
    const File file = File::open(place.file("file").c_str(), O_RDWR | O_CREAT);
    CHECK(file.size() == 0);
    REQUIRE(::ftruncate(file.fd(), 5'000'000'001) == 0);
    CHECK(file.size() == 5'000'000'001);
    CHECK(File::open(place.path().c_str(), O_RDONLY).size() == 0);
}

TEST_CASE("a block device has its kind and its size") {
    auto disk = attempt<LoopDevice>(8 * mebibyte);
    if (!disk) {
        SKIP_CASE(disk.reason());
    }
    const File file = File::open(disk->path().c_str(), O_RDONLY);
    CHECK(file.kind() == FileKind::block_device);
    CHECK_FALSE(file.is_stream());
    CHECK(file.size() == 8 * mebibyte);
}
