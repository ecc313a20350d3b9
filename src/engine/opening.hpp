// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// What an operation that opens a file works on. Ownership: its user's, and of the file.
struct Opening {
    const char* path = nullptr; ///< Of the file; null is EFAULT.
    File file;                  ///< When it has been opened, by whichever thread has done that.
};

} // namespace engine
AIOXX_NAMESPACE_END
