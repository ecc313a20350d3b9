// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/control_block.hpp"
#include "posix/order.hpp"

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <span>

AIOXX_NAMESPACE_BEGIN
namespace posix {

// What the functions of <aio.h> do, for blocks of either width; lio_listio is in listio.hpp. Each
// returns what the function of <aio.h> returns, and sets errno.

int transfer(ControlBlock& block, Opcode opcode, std::int64_t offset) noexcept;
int synchronise(ControlBlock& block, int operation) noexcept;
int error_of(const ControlBlock& block) noexcept;
ssize_t return_of(ControlBlock& block) noexcept;
int cancel(int fd, const ControlBlock* block) noexcept;
/// A cancellation point. `limit`: null for none.
int suspend(std::span<const ControlBlock* const> blocks, const timespec* limit);
void configure(int workers, int idle_seconds) noexcept;

inline int fail(int error) noexcept {
    errno = error;
    return -1;
}

} // namespace posix
AIOXX_NAMESPACE_END
