// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Our structures and numbers against <linux/aio_abi.h>. Beside <libaio.h> in one file they would
// not compile.
#include <aioxx/aioxx.hpp>

#include <cstddef>

#include <doctest/doctest.h>
#include <linux/aio_abi.h>

namespace {

using aioxx::kernel::EventLayout;
using aioxx::kernel::IocbLayout;

#define SAME_MEMBER(ours, our_member, theirs, their_member)                                        \
    CHECK(offsetof(ours, our_member) == offsetof(theirs, their_member));                           \
    CHECK(sizeof(ours::our_member) == sizeof(theirs::their_member))

TEST_CASE("an iocb is laid out as in linux/aio_abi.h") {
    CHECK(sizeof(IocbLayout) == sizeof(iocb));
    SAME_MEMBER(IocbLayout, data, iocb, aio_data);
    SAME_MEMBER(IocbLayout, key, iocb, aio_key);
    SAME_MEMBER(IocbLayout, rw_flags, iocb, aio_rw_flags);
    SAME_MEMBER(IocbLayout, opcode, iocb, aio_lio_opcode);
    SAME_MEMBER(IocbLayout, priority, iocb, aio_reqprio);
    SAME_MEMBER(IocbLayout, fd, iocb, aio_fildes);
    SAME_MEMBER(IocbLayout, buffer, iocb, aio_buf);
    SAME_MEMBER(IocbLayout, length, iocb, aio_nbytes);
    SAME_MEMBER(IocbLayout, offset, iocb, aio_offset);
    SAME_MEMBER(IocbLayout, reserved, iocb, aio_reserved2);
    SAME_MEMBER(IocbLayout, flags, iocb, aio_flags);
    SAME_MEMBER(IocbLayout, event_fd, iocb, aio_resfd);
}

TEST_CASE("an event is laid out as in linux/aio_abi.h") {
    CHECK(sizeof(EventLayout) == sizeof(io_event));
    SAME_MEMBER(EventLayout, data, io_event, data);
    SAME_MEMBER(EventLayout, iocb, io_event, obj);
    SAME_MEMBER(EventLayout, result, io_event, res);
    SAME_MEMBER(EventLayout, result2, io_event, res2);
}

TEST_CASE("opcodes have the numbers of linux/aio_abi.h") {
    CHECK(static_cast<int>(aioxx::Opcode::read) == IOCB_CMD_PREAD);
    CHECK(static_cast<int>(aioxx::Opcode::write) == IOCB_CMD_PWRITE);
    CHECK(static_cast<int>(aioxx::Opcode::fsync) == IOCB_CMD_FSYNC);
    CHECK(static_cast<int>(aioxx::Opcode::fdatasync) == IOCB_CMD_FDSYNC);
    CHECK(static_cast<int>(aioxx::Opcode::poll) == IOCB_CMD_POLL);
    CHECK(static_cast<int>(aioxx::Opcode::noop) == IOCB_CMD_NOOP);
    CHECK(static_cast<int>(aioxx::Opcode::readv) == IOCB_CMD_PREADV);
    CHECK(static_cast<int>(aioxx::Opcode::writev) == IOCB_CMD_PWRITEV);
}

TEST_CASE("an Iocb writes the fields that linux/aio_abi.h names") {
    aioxx::Iocb ours;
    std::byte buffer[32];
    ours.prepare_write(7, buffer, 4096);
    ours.set_event_fd(9);
    ours.set_priority({aioxx::IoPriority::Class::idle, 0});
    ours.set_rw_flags(aioxx::RwFlags::dsync);
    ours.set_data(std::uint64_t{11});
    const auto& theirs = reinterpret_cast<const iocb&>(ours);
    CHECK(theirs.aio_lio_opcode == IOCB_CMD_PWRITE);
    CHECK(theirs.aio_fildes == 7);
    CHECK(theirs.aio_buf == reinterpret_cast<std::uintptr_t>(buffer));
    CHECK(theirs.aio_nbytes == 32);
    CHECK(theirs.aio_offset == 4096);
    CHECK(theirs.aio_flags == (IOCB_FLAG_RESFD | IOCB_FLAG_IOPRIO));
    CHECK(theirs.aio_resfd == 9);
    CHECK(theirs.aio_reqprio == 3 << 13);
    CHECK(theirs.aio_rw_flags == RWF_DSYNC);
    CHECK(theirs.aio_data == 11);
    CHECK(theirs.aio_reserved2 == 0);
}

} // namespace
