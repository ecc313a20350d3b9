// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

AIOXX_NAMESPACE_BEGIN
namespace queue {

// The program or the shared object that this code was linked into.

/// Whether dlclose may take it away: it is neither the program nor linked with `-z nodelete`.
bool this_module_can_be_unloaded() noexcept;
/// Keeps it until the process ends. False where that cannot be.
bool keep_this_module() noexcept;

} // namespace queue
AIOXX_NAMESPACE_END
