// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// File systems by their magic numbers, as in linux/magic.h and in those that have theirs to
/// themselves.
namespace file_systems {
inline constexpr std::uint32_t fuse = 0x65735546;
inline constexpr std::uint32_t functionfs = 0x0a647361; // its ep0 can be polled, and takes no AIO
inline constexpr std::uint32_t xfs = 0x58465342;
} // namespace file_systems

/// That of an open file; 0 where it is not known. On storage that hangs the question may hang as
/// well.
std::uint32_t file_system_of(int fd) noexcept;
bool is_of_memory(std::uint32_t file_system) noexcept;
bool is_of_network(std::uint32_t file_system) noexcept;

AIOXX_NAMESPACE_END
