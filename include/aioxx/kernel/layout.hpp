// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// The kernel's own structures, as <linux/aio_abi.h> lays them out. They are declared again here
/// because that header and <libaio.h> cannot meet in one translation unit, and a user may want
/// either of them beside ours. The tests assert every offset against both.
namespace kernel {

/// `struct iocb`: what io_submit reads. 64 bytes on every architecture. See Iocb::raw().
struct IocbLayout {
    std::uint64_t data = 0; ///< aio_data: comes back in the event.
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    std::uint32_t rw_flags = 0;
    std::uint32_t key = 0;
#else
    std::uint32_t key = 0;      ///< aio_key: the kernel's own.
    std::uint32_t rw_flags = 0; ///< aio_rw_flags: RWF_.
#endif
    std::uint16_t opcode = 0;   ///< aio_lio_opcode: IOCB_CMD_.
    std::int16_t priority = 0;  ///< aio_reqprio: counts with IOCB_FLAG_IOPRIO.
    std::uint32_t fd = 0;       ///< aio_fildes.
    std::uint64_t buffer = 0;   ///< aio_buf: an address, or the events of a poll.
    std::uint64_t length = 0;   ///< aio_nbytes: bytes, or elements of an array of iovec.
    std::int64_t offset = 0;    ///< aio_offset: bytes from the start of the file.
    std::uint64_t reserved = 0; ///< aio_reserved2: 0.
    std::uint32_t flags = 0;    ///< aio_flags: IOCB_FLAG_RESFD, IOCB_FLAG_IOPRIO.
    std::uint32_t event_fd = 0; ///< aio_resfd: an eventfd, with IOCB_FLAG_RESFD.
};
static_assert(sizeof(IocbLayout) == 64);

/// `struct io_event`: what io_getevents writes, and what the ring holds. 32 bytes.
struct EventLayout {
    std::uint64_t data = 0;
    std::uint64_t iocb = 0;
    std::int64_t result = 0;
    std::int64_t result2 = 0;
};
static_assert(sizeof(EventLayout) == 32);

} // namespace kernel

AIOXX_NAMESPACE_END
