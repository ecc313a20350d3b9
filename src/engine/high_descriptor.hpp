// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// A duplicate of `fd` at the top of the process's descriptor table, close-on-exec: a program goes
/// by its lowest free number, and shall find it where it was. -1 when there is none above `fd`.
///
/// The kernel gives low numbers only, so that between two calls a low one is in use. The thread
/// that makes these calls cannot see it; another one that opens something meanwhile can.
[[nodiscard]] int duplicate_high(int fd) noexcept;

/// For what there may be much of, so that the other numbers stay the program's: a sixteenth of
/// them, from `first` on where they are free.
struct DescriptorShare {
    int first;
    int count;
};
[[nodiscard]] DescriptorShare share_of_descriptors() noexcept;

/// As duplicate_high(), and `fd` is closed; where there is no higher number, `fd` itself.
[[nodiscard]] int move_high(int fd) noexcept;

} // namespace engine
AIOXX_NAMESPACE_END
