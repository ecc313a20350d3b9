// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Our structures against <libaio.h>. Beside <linux/aio_abi.h> in one file they would not compile.
#include <aioxx/aioxx.hpp>

#include <cstddef>

#include <doctest/doctest.h>
#include <libaio.h>

namespace {

using aioxx::kernel::EventLayout;
using aioxx::kernel::IocbLayout;

TEST_CASE("an iocb is laid out as in libaio.h") {
    CHECK(sizeof(IocbLayout) == sizeof(iocb));
    CHECK(offsetof(IocbLayout, data) == offsetof(iocb, data));
    CHECK(offsetof(IocbLayout, key) == offsetof(iocb, key));
    CHECK(offsetof(IocbLayout, rw_flags) == offsetof(iocb, aio_rw_flags));
    CHECK(offsetof(IocbLayout, opcode) == offsetof(iocb, aio_lio_opcode));
    CHECK(offsetof(IocbLayout, priority) == offsetof(iocb, aio_reqprio));
    CHECK(offsetof(IocbLayout, fd) == offsetof(iocb, aio_fildes));
    CHECK(offsetof(IocbLayout, offset) == offsetof(iocb, u.c.offset));
    CHECK(offsetof(IocbLayout, flags) == offsetof(iocb, u.c.flags));
    CHECK(offsetof(IocbLayout, event_fd) == offsetof(iocb, u.c.resfd));
    CHECK(sizeof(IocbLayout::key) == sizeof(iocb::key));
    CHECK(sizeof(IocbLayout::opcode) == sizeof(iocb::aio_lio_opcode));
    CHECK(sizeof(IocbLayout::priority) == sizeof(iocb::aio_reqprio));
}

// The members that are padded to 64 bits there: their place depends on byte order and width, and
// their value must not.
TEST_CASE("what one writes to an iocb through libaio.h the other reads") {
    IocbLayout ours;
    auto& theirs = reinterpret_cast<iocb&>(ours);
    theirs.data = &ours;
    theirs.u.c.buf = &theirs;
    theirs.u.c.nbytes = 4711;
    theirs.u.c.offset = -5;
    CHECK(ours.data == reinterpret_cast<std::uintptr_t>(&ours));
    CHECK(ours.buffer == reinterpret_cast<std::uintptr_t>(&theirs));
    CHECK(ours.length == 4711);
    CHECK(ours.offset == -5);
}

TEST_CASE("what one writes to an event through libaio.h the other reads") {
    CHECK(sizeof(EventLayout) == sizeof(io_event));
    EventLayout ours;
    auto& theirs = reinterpret_cast<io_event&>(ours);
    iocb operation{};
    theirs.data = &ours;
    theirs.obj = &operation;
    theirs.res = 12;
    theirs.res2 = 13;
    CHECK(ours.data == reinterpret_cast<std::uintptr_t>(&ours));
    CHECK(ours.iocb == reinterpret_cast<std::uintptr_t>(&operation));
    CHECK(ours.result == 12);
    CHECK(ours.result2 == 13);
}

TEST_CASE("opcodes have the numbers of libaio.h") {
    CHECK(static_cast<int>(aioxx::Opcode::read) == IO_CMD_PREAD);
    CHECK(static_cast<int>(aioxx::Opcode::write) == IO_CMD_PWRITE);
    CHECK(static_cast<int>(aioxx::Opcode::fsync) == IO_CMD_FSYNC);
    CHECK(static_cast<int>(aioxx::Opcode::fdatasync) == IO_CMD_FDSYNC);
    CHECK(static_cast<int>(aioxx::Opcode::poll) == IO_CMD_POLL);
    CHECK(static_cast<int>(aioxx::Opcode::noop) == IO_CMD_NOOP);
    CHECK(static_cast<int>(aioxx::Opcode::readv) == IO_CMD_PREADV);
    CHECK(static_cast<int>(aioxx::Opcode::writev) == IO_CMD_PWRITEV);
}

} // namespace
