// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/layer.hpp"

AIOXX_NAMESPACE_BEGIN
namespace posix::process {

/// The layer of this process, which is made at the first request. With the CriticalSection held.
/// Null with an errno where there is no kernel AIO.
Layer* layer(int& error) noexcept;

/// The same, null before the first request. Needs no lock; async-signal-safe.
Layer* layer_if_any() noexcept;

/// For the layer, if it is not made yet. With the CriticalSection held.
void configure(const Settings& wanted) noexcept;

} // namespace posix::process
AIOXX_NAMESPACE_END
