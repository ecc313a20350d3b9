// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/request.hpp"

#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// What brings a request to its end if the program makes no more calls.
enum class EndsBy : std::uint8_t {
    kernel,    // it is in flight, and not tried only
    worker,    // a worker makes its call
    attendant, // it waits, or may come back from the kernel: the engine has to go on
    nothing,   // it waits outside the kernel, and its file could not be kept open
};

/// Of a request that is in progress, at the end of the call that has started it.
EndsBy ends_by(const Request& request) noexcept;

} // namespace posix
AIOXX_NAMESPACE_END
