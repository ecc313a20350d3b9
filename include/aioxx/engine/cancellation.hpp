// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// The answer to a request to cancel an operation.
enum class Cancellation : std::uint8_t {
    cancelled, ///< It completes with ECANCELED; or with its bytes, if some were transferred and
               ///< not all of them were asked for.
    requested, ///< The kernel was asked; the completion tells how the operation ended.
    runs_on,   ///< The kernel holds memory that is borrowed. It cannot be stopped, and completes
               ///< as if nothing had been asked.
    too_late,  ///< It has completed, or was never started.
};

AIOXX_NAMESPACE_END
