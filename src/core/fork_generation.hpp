// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// Which address space this is, in a line of forks. Contexts belong to the address space that made
/// them: a child has copies of the objects and none of the contexts. A process id would not do, it
/// comes round again; and vfork's child, which shares the memory, may use what it finds there.
namespace fork_generation {

namespace detail {
/// On a page that the kernel clears in a forked child (MADV_WIPEONFORK); null before the first use.
extern std::atomic<const std::atomic<std::uint64_t>*> page;
} // namespace detail

/// The number of this generation, 0 when nothing in it has called enter(). Async-signal-safe.
inline std::uint64_t current() noexcept {
    return detail::page.load(std::memory_order_relaxed)->load(std::memory_order_relaxed);
}

/// Gives this generation its number if it has none yet, one that no ancestor had, and returns it.
/// 0 when there is no memory for it.
std::uint64_t enter() noexcept;

} // namespace fork_generation

AIOXX_NAMESPACE_END
