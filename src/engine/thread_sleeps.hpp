// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <sys/resource.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// How often this thread has gone to sleep by itself. A call that makes it more has slept.
inline long thread_sleeps() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

} // namespace engine
AIOXX_NAMESPACE_END
