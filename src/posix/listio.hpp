// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/control_block.hpp"

#include <cstdint>
#include <span>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// lio_listio, for blocks of either width. `offset_of`: gives the offset of a block, of the width
/// that the caller's blocks have.
int listio(int mode, std::span<ControlBlock* const> blocks, const sigevent* notification,
           std::int64_t (*offset_of)(const ControlBlock&)) noexcept;

} // namespace posix
AIOXX_NAMESPACE_END
