// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/flags.hpp>
#include <aioxx/kernel/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/uio.h>

AIOXX_NAMESPACE_BEGIN

/// One operation, exactly as the kernel reads it: the 64 bytes of `struct iocb`.
///
/// Its address is its identity: a completion and a cancellation name the operation by it. It is
/// therefore neither copied nor moved, and it has to stay where it is, together with the data
/// buffer, from the submit that accepts it until its event has been reaped or its Context is
/// closed. (The iovec array of a vectored operation is copied by submit and may go at once.)
///
/// `prepare_` first, everything else after it: preparing clears the flags, the priority, the
/// eventfd and the user data of an earlier use.
///
/// **Ownership.** None: descriptor and memory are its user's.
///
/// **Threads.** One that is not in flight may be used from any one thread at a time. It calls
/// nothing.
///
/// **Errors.** None of its own: what is wrong with an operation is told by the submit, or by its
/// event.
///
///     aioxx::Iocb write;
///     write.prepare_write(file.fd(), block, offset);
///     write.set_rw_flags(aioxx::RwFlags::dsync);
///     write.set_event_fd(ready.fd());
///     write.set_data(&request); // comes back as Event::data_as<Request>()
///     context.submit(write);
///
/// With `-Dchecks=enabled` the library ends the program when an Iocb is destroyed, prepared or
/// submitted again while it is in flight.
class AIOXX_API Iocb {
public:
    /// A read of nothing from descriptor 0: prepare it before it is submitted.
    Iocb() noexcept = default;
    /// Frees nothing. Not while it is in flight.
    ~Iocb();

    Iocb(const Iocb&) = delete;
    Iocb& operator=(const Iocb&) = delete;

    /// Read into `buffer` from `offset` (bytes from the start of the file; ignored by streams other
    /// than sockets, which refuse a non-zero one).
    void prepare_read(int fd, std::span<std::byte> buffer, std::int64_t offset) noexcept;
    /// Write from `buffer` at `offset`, in bytes, with the same rules. RwFlags::append writes at
    /// the end.
    void prepare_write(int fd, std::span<const std::byte> buffer, std::int64_t offset) noexcept;

    /// Read into up to 1024 buffers, one after the other.
    void prepare_readv(int fd, std::span<const iovec> buffers, std::int64_t offset) noexcept;
    /// Write from up to 1024 buffers, one after the other.
    void prepare_writev(int fd, std::span<const iovec> buffers, std::int64_t offset) noexcept;

    /// Flush data and metadata. The kernel orders it after nothing: writes still in flight are not
    /// covered.
    void prepare_fsync(int fd) noexcept;
    /// Flush the data, and of the metadata what reading it back needs.
    void prepare_fdatasync(int fd) noexcept;

    /// Wait once for readiness. `events` are poll(2)'s bits; POLLERR and POLLHUP are always
    /// reported. The result of a ready poll is the bits that are set, and never 0.
    void prepare_poll(int fd, std::uint32_t events) noexcept;

    /// RwFlags of a read or write; the kernel refuses them on others with EINVAL.
    void set_rw_flags(RwFlags flags) noexcept { raw_.rw_flags = static_cast<std::uint32_t>(flags); }
    /// What was set.
    [[nodiscard]] RwFlags rw_flags() const noexcept { return static_cast<RwFlags>(raw_.rw_flags); }

    /// The priority of this operation, in place of the thread's.
    void set_priority(IoPriority priority) noexcept;
    /// What was set, or a priority of class `none`.
    [[nodiscard]] IoPriority priority() const noexcept;

    /// Have the completion counted in the eventfd `fd`, once the event can be reaped. The kernel
    /// keeps its own reference: the descriptor may be closed while the operation is in flight.
    void set_event_fd(int fd) noexcept;

    /// User data, returned in the event. The library does not look at it.
    void set_data(std::uint64_t data) noexcept { raw_.data = data; }
    template <typename T>
    void set_data(T* data) noexcept {
        raw_.data = reinterpret_cast<std::uintptr_t>(data);
    }
    /// The user data.
    [[nodiscard]] std::uint64_t data() const noexcept { return raw_.data; }

    /// What it was prepared for.
    [[nodiscard]] Opcode opcode() const noexcept { return static_cast<Opcode>(raw_.opcode); }
    /// The descriptor that it was prepared with.
    [[nodiscard]] int fd() const noexcept { return static_cast<int>(raw_.fd); }

    /// The 64 bytes themselves, for what this class does not cover (a driver's own opcode, a flag
    /// of a later kernel).
    [[nodiscard]] kernel::IocbLayout& raw() noexcept { return raw_; }
    [[nodiscard]] const kernel::IocbLayout& raw() const noexcept { return raw_; }

private:
    kernel::IocbLayout raw_;
};
static_assert(sizeof(Iocb) == 64);

AIOXX_NAMESPACE_END
