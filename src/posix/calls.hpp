// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/control_block.hpp"

#include <cstdint>
#include <ctime>
#include <span>

AIOXX_NAMESPACE_BEGIN
namespace posix {

// What the functions of <aio.h> do, for blocks of either width. Each returns as its namesake does,
// with errno.

enum class Opcode : int { read = 0, write = 1, none = 2 }; // LIO_READ, LIO_WRITE, LIO_NOP

int transfer(ControlBlock& block, Opcode opcode, std::int64_t offset) noexcept;
int synchronise(ControlBlock& block, int operation) noexcept;
int error_of(const ControlBlock& block) noexcept;
ssize_t outcome_of(ControlBlock& block) noexcept;
int cancel(int fd, const ControlBlock* block) noexcept;
/// A cancellation point. `limit` null: none.
int suspend(std::span<const ControlBlock* const> blocks, const timespec* limit);
/// `offset_of`: the one of a block, of the width that the caller's blocks have.
int list(int mode, std::span<ControlBlock* const> blocks, const sigevent* notification,
         std::int64_t (*offset_of)(const ControlBlock&)) noexcept;
void configure(int helpers, int idle_seconds) noexcept;

} // namespace posix
AIOXX_NAMESPACE_END
