// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// The seam: the only declarations through which the library enters kernel AIO. One of three files
// defines them, chosen when the library is linked: libaio.cpp (delegates to libaio), syscall.cpp
// (raw system calls), or test/scripted_kernel/ (answers by script).
//
// Every function returns what the system call returns, and -errno where that fails; errno itself
// is left alone. All are async-signal-safe.

#include <aioxx/kernel/layout.hpp>

#include <csignal>
#include <cstddef>
#include <cstdint>

struct iovec;

AIOXX_NAMESPACE_BEGIN
namespace kernel {

using Handle = std::uintptr_t; // aio_context_t, io_context_t

/// Nanoseconds to wait at the most; `forever` for no limit.
using Timeout = std::int64_t;
inline constexpr Timeout forever = -1;

int setup(unsigned events, Handle* handle) noexcept;
int destroy(Handle handle) noexcept;
int submit(Handle handle, long count, IocbLayout** iocbs) noexcept;
int cancel(Handle handle, IocbLayout* iocb, EventLayout* event) noexcept;

/// `mask` null: io_getevents. Otherwise io_pgetevents, which kernels before 4.18 answer with
/// ENOSYS.
int get_events(Handle handle, long min, long max, EventLayout* events, Timeout timeout,
               const sigset_t* mask) noexcept;

/// preadv2 or pwritev2, and fsync or fdatasync: what is made without kernel AIO, by workers. Bytes,
/// or a negative errno. `at`: -1 for the file's own position.
std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count, std::int64_t at,
                      int flags) noexcept;
/// On a socket, without waiting and without a signal, by recvmsg or sendmsg: what RWF_NOWAIT and
/// RWF_NOSIGNAL ask for, which sockets know since Linux 6.5 and 6.18. Bytes, or a negative errno.
std::int64_t transfer_message(bool write, int fd, const iovec* parts, std::size_t count) noexcept;
std::int64_t flush(bool data_only, int fd) noexcept;
/// posix_fadvise with POSIX_FADV_WILLNEED: reads ahead into the page cache, and does not wait for
/// it. May block where there is no room for more requests, or no memory.
void will_need(int fd, std::int64_t offset, std::size_t length) noexcept;

void prepare_read(IocbLayout& iocb, int fd, void* buffer, std::size_t length,
                  std::int64_t offset) noexcept;
void prepare_write(IocbLayout& iocb, int fd, const void* buffer, std::size_t length,
                   std::int64_t offset) noexcept;
void prepare_readv(IocbLayout& iocb, int fd, const iovec* buffers, std::size_t count,
                   std::int64_t offset) noexcept;
void prepare_writev(IocbLayout& iocb, int fd, const iovec* buffers, std::size_t count,
                    std::int64_t offset) noexcept;
void prepare_fsync(IocbLayout& iocb, int fd) noexcept;
void prepare_fdatasync(IocbLayout& iocb, int fd) noexcept;
void prepare_poll(IocbLayout& iocb, int fd, std::uint32_t events) noexcept;
void set_event_fd(IocbLayout& iocb, int fd) noexcept;

/// "libaio", "syscall" or "scripted".
const char* backend() noexcept;

} // namespace kernel
AIOXX_NAMESPACE_END
