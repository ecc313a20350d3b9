// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// What decides by which way operations on a file are carried out. It does not change while the
/// file is open.
struct FileTraits {
    static constexpr std::uint64_t no_limit = ~std::uint64_t{0};

    bool regular = false;
    bool stream = false;         // no offsets, and a transfer may wait for the other end
    bool direct = false;         // O_DIRECT, and no stream or memory: FUSE, USB endpoints as well
    bool append = false;         // O_APPEND
    bool nonblocking = false;    // O_NONBLOCK: no call waits inside, a worker's neither
    bool synchronous = false;    // O_SYNC or O_DSYNC
    bool in_memory = false;      // tmpfs and its like, /dev/zero: no device to wait for
    bool never_waits = false;    // what would wait is answered with EAGAIN, as its user wants it
    bool starting_waits = false; // for a process (FUSE) or a USB host, io_submit and NOWAIT as well
    bool on_server = false;      // these, or another machine, answer for it
    bool socket = false;         // of streams or datagrams: knows MSG_DONTWAIT on every kernel
    bool takes_nosignal = false; // a pipe or socket: writes know RWF_NOSIGNAL, if the kernel does
    std::uint32_t alignment = 1; // of offsets in bytes, when direct
    std::uint64_t device = 0;    // of its file system, or that it is; 0: of none
    /// A write that begins here or behind may send a signal to the thread that makes it: of a
    /// regular file RLIMIT_FSIZE, when the file was first used; 0 of a pipe or socket.
    std::uint64_t size_limit = no_limit;
};

} // namespace engine
AIOXX_NAMESPACE_END
