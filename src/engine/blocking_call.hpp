// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"

#include <cstdint>
#include <span>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Carries out what remains of an operation, poll apart, by a plain system call on `fd`: preadv2,
/// pwritev2, fsync, fdatasync, fallocate or ftruncate. `stream`: the file has no offsets. Returns
/// bytes, 0, or a negative errno. Blocks as the call does, unless the way asks for NOWAIT. Repeats
/// what a signal has interrupted before anything was transferred. Leaves errno changed.
///
/// An exact operation that is in_turn is carried on after a short count: what has its turn behind
/// it comes after the whole of it. The count is then that of the last call, and Operation::done has
/// those before.
/// `more`: flags beside those that were asked for.
std::int64_t blocking_call(Operation& operation, int fd, bool stream,
                           RwFlags more = RwFlags::none) noexcept;

/// The same for the writes of a run, by one pwritev2. Each is told what it would have been told
/// alone, by its result: a short count ends one, and those behind it are made again.
void blocking_writes(std::span<Operation* const> run, int fd) noexcept;

/// blocking_call() on a thread of the program's, which no signal of the write's reaches.
std::int64_t call_here(Operation& operation, int fd, bool stream) noexcept;

} // namespace engine
AIOXX_NAMESPACE_END
