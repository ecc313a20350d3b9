// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// What an Iocb asks the kernel to do. The values are the kernel's IOCB_CMD_ numbers.
enum class Opcode : std::uint16_t {
    read = 0,      ///< IOCB_CMD_PREAD
    write = 1,     ///< IOCB_CMD_PWRITE
    fsync = 2,     ///< IOCB_CMD_FSYNC, since Linux 4.18
    fdatasync = 3, ///< IOCB_CMD_FDSYNC, since Linux 4.18
    poll = 5,      ///< IOCB_CMD_POLL, since Linux 4.19
    noop = 6,      ///< IOCB_CMD_NOOP: numbered by the kernel, never accepted by one
    readv = 7,     ///< IOCB_CMD_PREADV
    writev = 8,    ///< IOCB_CMD_PWRITEV
};

/// Per-operation flags of reads and writes: the kernel's RWF_ bits, declared here because a
/// distribution's headers are often older than its kernel. A kernel that does not know a bit, or a
/// file that does not support it, refuses the operation with EOPNOTSUPP when it is submitted.
enum class RwFlags : std::uint32_t {
    none = 0,         ///< No flag.
    hipri = 0x01,     ///< Accepted and ignored by kernel AIO.
    dsync = 0x02,     ///< The write completes once its data is on stable storage (O_DSYNC).
    sync = 0x04,      ///< The write completes once data and metadata are (O_SYNC).
    nowait = 0x08,    ///< EAGAIN instead of blocking in submit; since Linux 4.14.
    append = 0x10,    ///< Write at the end of the file, whatever the offset; since Linux 4.16.
    noappend = 0x20,  ///< Honour the offset although the file is O_APPEND; since Linux 6.9.
    atomic = 0x40,    ///< The write is torn by no power failure; since Linux 6.11.
    dontcache = 0x80, ///< Buffered, but dropped from the page cache; since Linux 6.14.
    nosignal = 0x100, ///< EPIPE without SIGPIPE; since Linux 6.18.
};

/// Both.
constexpr RwFlags operator|(RwFlags a, RwFlags b) noexcept {
    return static_cast<RwFlags>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
/// What is in both.
constexpr RwFlags operator&(RwFlags a, RwFlags b) noexcept {
    return static_cast<RwFlags>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}
/// All other bits, those without a name here as well.
constexpr RwFlags operator~(RwFlags a) noexcept {
    return static_cast<RwFlags>(~static_cast<std::uint32_t>(a));
}
/// Adds `b`.
constexpr RwFlags& operator|=(RwFlags& a, RwFlags b) noexcept {
    return a = a | b;
}
/// Keeps what is in `b` too.
constexpr RwFlags& operator&=(RwFlags& a, RwFlags b) noexcept {
    return a = a & b;
}

/// An I/O priority as ioprio_set(2) encodes it: a class and, within it, a level from 0 (first) to
/// 7 (last). Only schedulers that know priorities (BFQ, mq-deadline) act on it; real time needs
/// CAP_SYS_ADMIN or CAP_SYS_NICE, and is refused with EPERM without. A value.
///
///     co_await queue.read(file, block, 0).with(
///         aioxx::IoPriority{aioxx::IoPriority::Class::best_effort, 0});
class IoPriority {
public:
    /// IOPRIO_CLASS_ of the kernel.
    enum class Class : std::uint16_t {
        none = 0,        ///< As the thread's own priority, or its nice value, has it.
        realtime = 1,    ///< Before all others.
        best_effort = 2, ///< The usual one.
        idle = 3,        ///< When no other wants the device.
    };

    /// Class `none`, level 0.
    constexpr IoPriority() noexcept = default;
    /// `level` is from 0 to 7.
    constexpr IoPriority(Class priority_class, unsigned level) noexcept
        : value_(static_cast<std::uint16_t>((static_cast<unsigned>(priority_class) << class_shift) |
                                            (level & level_mask))) {}

    /// From the kernel's own encoding, as ioprio_get(2) returns it.
    static constexpr IoPriority from_value(std::uint16_t value) noexcept {
        IoPriority priority;
        priority.value_ = value;
        return priority;
    }

    /// The class alone.
    [[nodiscard]] constexpr Class priority_class() const noexcept {
        return static_cast<Class>(value_ >> class_shift);
    }
    /// The level, together with the hint bits (Linux 6.6) above it.
    [[nodiscard]] constexpr unsigned level() const noexcept { return value_ & level_mask; }
    /// The kernel's encoding: the class in the upper 3 bits.
    [[nodiscard]] constexpr std::uint16_t value() const noexcept { return value_; }

    friend constexpr bool operator==(IoPriority, IoPriority) noexcept = default;

private:
    static constexpr unsigned class_shift = 13;
    static constexpr unsigned level_mask = (1U << class_shift) - 1;

    std::uint16_t value_ = 0;
};

AIOXX_NAMESPACE_END
