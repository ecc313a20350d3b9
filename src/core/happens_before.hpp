// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

// ThreadSanitizer does not see that what one thread wrote before io_submit happens before what
// another reads after the event: the kernel is between them. These tell it.

#if defined(__SANITIZE_THREAD__)
#define AIOXX_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AIOXX_THREAD_SANITIZER 1
#endif
#endif

#ifdef AIOXX_THREAD_SANITIZER
extern "C" void __tsan_acquire(void* address); // NOLINT(bugprone-reserved-identifier)
extern "C" void __tsan_release(void* address); // NOLINT(bugprone-reserved-identifier)
#endif

AIOXX_NAMESPACE_BEGIN

inline void handed_to_kernel([[maybe_unused]] const void* iocb) noexcept {
#ifdef AIOXX_THREAD_SANITIZER
    __tsan_release(const_cast<void*>(iocb));
#endif
}

inline void given_back_by_kernel([[maybe_unused]] const void* iocb) noexcept {
#ifdef AIOXX_THREAD_SANITIZER
    __tsan_acquire(const_cast<void*>(iocb));
#endif
}

AIOXX_NAMESPACE_END
