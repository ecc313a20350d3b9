// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/request.hpp>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// Throws std::system_error with `error`, whose text is a sentence: the operation, where it was,
/// and why it has failed.
[[noreturn]] void throw_failed(const detail::Request& request, const detail::StartedFile& file,
                               int error);
/// The same for one that the queue has refused: nothing has begun.
[[noreturn]] void throw_refused(const detail::Request& request, int error);

} // namespace queue
AIOXX_NAMESPACE_END
