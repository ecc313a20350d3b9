// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include "engine/engine.hpp"

#include <system_error>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// Throws `error`, with which `engine` could not be made. The text names the call that has failed,
/// and what was asked for, used and allowed where that is the reason.
[[noreturn]] void throw_open_failure(const engine::Engine& engine, const std::error_code& error);

} // namespace queue
AIOXX_NAMESPACE_END
