// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The backend without libaio.

#include "kernel/kernel.hpp"

#include "kernel/raw_call.hpp"

#include <sys/uio.h>

AIOXX_NAMESPACE_BEGIN
namespace kernel {
namespace {

// IOCB_CMD_ numbers and IOCB_FLAG_RESFD of <linux/aio_abi.h>
enum Command : std::uint16_t {
    pread = 0,
    pwrite = 1,
    fsync = 2,
    fdsync = 3,
    poll = 5,
    preadv = 7,
    pwritev = 8
};
constexpr std::uint32_t flag_resfd = 1U << 0;

void prepare(IocbLayout& iocb, Command command, int fd, const void* address, std::uint64_t length,
             std::int64_t offset) noexcept {
    iocb = IocbLayout{};
    iocb.opcode = command;
    iocb.fd = static_cast<std::uint32_t>(fd);
    iocb.buffer = reinterpret_cast<std::uintptr_t>(address);
    iocb.length = length;
    iocb.offset = offset;
}

} // namespace

int setup(unsigned events, Handle* handle) noexcept {
    return raw_call(SYS_io_setup, events, handle);
}

int destroy(Handle handle) noexcept {
    return raw_call(SYS_io_destroy, handle);
}

int submit(Handle handle, long count, IocbLayout** iocbs) noexcept {
    return raw_call(SYS_io_submit, handle, count, iocbs);
}

int cancel(Handle handle, IocbLayout* iocb, EventLayout* event) noexcept {
    return raw_call(SYS_io_cancel, handle, iocb, event);
}

int get_events(Handle handle, long min, long max, EventLayout* events, Timeout timeout,
               const sigset_t* mask) noexcept {
    if (timeout == forever && mask == nullptr) {
        return raw_get_events(handle, min, max, events);
    }
    return raw_get_events(handle, min, max, events, timeout, mask);
}

void prepare_read(IocbLayout& iocb, int fd, void* buffer, std::size_t length,
                  std::int64_t offset) noexcept {
    prepare(iocb, pread, fd, buffer, length, offset);
}

void prepare_write(IocbLayout& iocb, int fd, const void* buffer, std::size_t length,
                   std::int64_t offset) noexcept {
    prepare(iocb, pwrite, fd, buffer, length, offset);
}

void prepare_readv(IocbLayout& iocb, int fd, const iovec* buffers, std::size_t count,
                   std::int64_t offset) noexcept {
    prepare(iocb, preadv, fd, buffers, count, offset);
}

void prepare_writev(IocbLayout& iocb, int fd, const iovec* buffers, std::size_t count,
                    std::int64_t offset) noexcept {
    prepare(iocb, pwritev, fd, buffers, count, offset);
}

void prepare_fsync(IocbLayout& iocb, int fd) noexcept {
    prepare(iocb, fsync, fd, nullptr, 0, 0);
}

void prepare_fdatasync(IocbLayout& iocb, int fd) noexcept {
    prepare(iocb, fdsync, fd, nullptr, 0, 0);
}

void prepare_poll(IocbLayout& iocb, int fd, std::uint32_t events) noexcept {
    // The kernel takes the mask from the low bits of the 64-bit field, in either byte order.
    prepare(iocb, poll, fd, nullptr, 0, 0);
    iocb.buffer = events;
}

void set_event_fd(IocbLayout& iocb, int fd) noexcept {
    iocb.flags |= flag_resfd;
    iocb.event_fd = static_cast<std::uint32_t>(fd);
}

const char* backend() noexcept {
    return "syscall";
}

} // namespace kernel
AIOXX_NAMESPACE_END
