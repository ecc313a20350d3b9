// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/core/iocb.hpp>

#include "core/in_flight.hpp"
#include "kernel/kernel.hpp"

AIOXX_NAMESPACE_BEGIN
namespace {

constexpr std::uint32_t flag_ioprio = 1U << 1; // IOCB_FLAG_IOPRIO

void check_idle(const Iocb& iocb, const char* doing) noexcept {
    if constexpr (in_flight::checked) {
        in_flight::must_not_be(iocb, doing);
    }
}

} // namespace

Iocb::~Iocb() {
    check_idle(*this, "destroying");
}

void Iocb::prepare_read(int fd, std::span<std::byte> buffer, std::int64_t offset) noexcept {
    check_idle(*this, "preparing");
    kernel::prepare_read(raw_, fd, buffer.data(), buffer.size(), offset);
}

void Iocb::prepare_write(int fd, std::span<const std::byte> buffer, std::int64_t offset) noexcept {
    check_idle(*this, "preparing");
    kernel::prepare_write(raw_, fd, buffer.data(), buffer.size(), offset);
}

void Iocb::prepare_readv(int fd, std::span<const iovec> buffers, std::int64_t offset) noexcept {
    check_idle(*this, "preparing");
    kernel::prepare_readv(raw_, fd, buffers.data(), buffers.size(), offset);
}

void Iocb::prepare_writev(int fd, std::span<const iovec> buffers, std::int64_t offset) noexcept {
    check_idle(*this, "preparing");
    kernel::prepare_writev(raw_, fd, buffers.data(), buffers.size(), offset);
}

void Iocb::prepare_fsync(int fd) noexcept {
    check_idle(*this, "preparing");
    kernel::prepare_fsync(raw_, fd);
}

void Iocb::prepare_fdatasync(int fd) noexcept {
    check_idle(*this, "preparing");
    kernel::prepare_fdatasync(raw_, fd);
}

void Iocb::prepare_poll(int fd, std::uint32_t events) noexcept {
    check_idle(*this, "preparing");
    kernel::prepare_poll(raw_, fd, events);
}

void Iocb::set_priority(IoPriority priority) noexcept {
    raw_.priority = static_cast<std::int16_t>(priority.value());
    raw_.flags |= flag_ioprio;
}

IoPriority Iocb::priority() const noexcept {
    return IoPriority::from_value(static_cast<std::uint16_t>(raw_.priority));
}

void Iocb::set_event_fd(int fd) noexcept {
    kernel::set_event_fd(raw_, fd);
}

AIOXX_NAMESPACE_END
