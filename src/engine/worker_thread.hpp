// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <pthread.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Starts a thread with a small stack that blocks all signals but the C library's own two. False
/// where there is none to be had.
bool start_worker_thread(pthread_t& thread, void* (*body)(void*), void* argument) noexcept;

} // namespace engine
AIOXX_NAMESPACE_END
