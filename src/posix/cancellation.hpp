// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/critical_section.hpp"
#include "posix/layer.hpp"

AIOXX_NAMESPACE_BEGIN
namespace posix {

// aio_cancel, inside the CriticalSection `section`. AIO_CANCELED, AIO_NOTCANCELED or AIO_ALLDONE.

/// The request of `block`.
int cancel_block(Layer& layer, const CriticalSection& section, const ControlBlock& block) noexcept;
/// All requests on the file that is open as `fd` now. Throws std::bad_alloc.
int cancel_all_on(Layer& layer, const CriticalSection& section, int fd);

} // namespace posix
AIOXX_NAMESPACE_END
