// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/iocb.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

AIOXX_NAMESPACE_BEGIN

/// What `-Dchecks=enabled` knows: which Iocbs the kernel holds, and for which context. Misuse ends
/// the program with a line that names it. Without checks the calls below are empty.
///
/// It is a table beside the objects rather than a mark in them, because a context that is closed
/// gives back iocbs whose events are never seen.
namespace in_flight {

#if AIOXX_CHECKS
inline constexpr bool checked = true;
#else
inline constexpr bool checked = false;
#endif

/// Before submit: each must be new. An iocb that io_submit then refuses is removed again.
void add(std::uintptr_t context, std::span<Iocb* const> iocbs) noexcept;
void remove(std::span<Iocb* const> iocbs) noexcept;
void remove(const Iocb& iocb) noexcept;
/// After io_destroy.
void remove_all(std::uintptr_t context) noexcept;
/// `doing`: what the caller is about to do to it, for the message.
void must_not_be(const Iocb& iocb, const char* doing) noexcept;

} // namespace in_flight

AIOXX_NAMESPACE_END
