// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Both backends fill in the same 64 bytes.
#include "kernel/kernel.hpp"

#include <cstring>
#include <limits>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/uio.h>

namespace kernel = aioxx::kernel;
using kernel::IocbLayout;

namespace {

bool same(const IocbLayout& one, const IocbLayout& other) {
    return std::memcmp(&one, &other, sizeof(one)) == 0;
}

/// An iocb in which every byte has been used before.
IocbLayout used() {
    IocbLayout iocb;
    std::memset(static_cast<void*>(&iocb), 0xff, sizeof(iocb));
    return iocb;
}

IocbLayout expected(std::uint16_t opcode, int fd, const void* buffer, std::uint64_t length,
                    std::int64_t offset) {
    IocbLayout iocb;
    iocb.opcode = opcode;
    iocb.fd = static_cast<std::uint32_t>(fd);
    iocb.buffer = reinterpret_cast<std::uintptr_t>(buffer);
    iocb.length = length;
    iocb.offset = offset;
    return iocb;
}

char buffer[16];
const iovec vectors[2] = {{buffer, 8}, {buffer + 8, 8}};
constexpr std::int64_t far = std::int64_t{1} << 40;

TEST_CASE("a prepared read, write, readv or writev has its arguments and zeros") {
    IocbLayout iocb = used();
    kernel::prepare_read(iocb, 3, buffer, sizeof(buffer), far);
    CHECK(same(iocb, expected(0, 3, buffer, sizeof(buffer), far)));
    iocb = used();
    kernel::prepare_write(iocb, 4, buffer, 7, -1);
    CHECK(same(iocb, expected(1, 4, buffer, 7, -1)));
    iocb = used();
    kernel::prepare_readv(iocb, -1, vectors, 2, far);
    CHECK(same(iocb, expected(7, -1, vectors, 2, far)));
    iocb = used();
    kernel::prepare_writev(iocb, 6, vectors, 1, 0);
    CHECK(same(iocb, expected(8, 6, vectors, 1, 0)));
}

TEST_CASE("a prepared fsync, fdatasync or poll has its arguments and zeros") {
    IocbLayout iocb = used();
    kernel::prepare_fsync(iocb, 3);
    CHECK(same(iocb, expected(2, 3, nullptr, 0, 0)));
    iocb = used();
    kernel::prepare_fdatasync(iocb, 4);
    CHECK(same(iocb, expected(3, 4, nullptr, 0, 0)));
    iocb = used();
    kernel::prepare_poll(iocb, 5, POLLIN | POLLPRI);
    IocbLayout poll = expected(5, 5, nullptr, 0, 0);
    poll.buffer = POLLIN | POLLPRI;
    CHECK(same(iocb, poll));
}

TEST_CASE("lengths and counts that no file has pass on whole") {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    IocbLayout iocb;
    kernel::prepare_read(iocb, 3, buffer, most, 0);
    CHECK(iocb.length == most);
    kernel::prepare_write(iocb, 3, buffer, most, 0);
    CHECK(iocb.length == most);
    kernel::prepare_readv(iocb, 3, vectors, most / 2, 0);
    CHECK(iocb.length == most / 2);
    kernel::prepare_writev(iocb, 3, vectors, most / 2, 0);
    CHECK(iocb.length == most / 2);
}

TEST_CASE("setting an eventfd keeps everything else") {
    IocbLayout iocb;
    kernel::prepare_read(iocb, 3, buffer, sizeof(buffer), far);
    iocb.flags = 2;
    iocb.rw_flags = 8;
    iocb.data = 9;
    IocbLayout with = iocb;
    with.flags = 3;
    with.event_fd = 7;
    kernel::set_event_fd(iocb, 7);
    CHECK(same(iocb, with));
}

} // namespace
