// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Test cases that cannot run here say so, and are counted. In the environment:
//   AIOXX_NO_SKIP=1   a skip is a failure (CI as root, which has everything)
//   AIOXX_VALGRIND=1  the program runs under valgrind; SKIP_UNDER_VALGRIND skips, and is no failure
//   AIOXX_NO_KERNEL_AIO=1  io_setup is refused; SKIP_WITHOUT_KERNEL_AIO likewise
//   AIOXX_EMULATED=1  the processor is: how long something takes beside the device means nothing
//   AIOXX_OWN_MACHINE=1    nothing else runs here, as in a guest; without it SKIP_ON_SHARED_MACHINE
//                          skips, and is no failure
// A program that has skipped each of its cases exits with 77.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace aioxx::test {

inline bool is_set(const char* variable) noexcept {
    const char* const value = std::getenv(variable);
    return value != nullptr && std::string_view{value} == "1";
}

inline bool under_valgrind() noexcept {
    return is_set("AIOXX_VALGRIND");
}

inline bool without_kernel_aio() noexcept {
    return is_set("AIOXX_NO_KERNEL_AIO");
}

inline unsigned skipped_cases = 0;

inline void skip(const char* reason, bool permitted) {
    ++skipped_cases;
    std::printf("SKIPPED: %s\n", reason);
    if (!permitted && is_set("AIOXX_NO_SKIP")) {
        FAIL_CHECK("skipped, although AIOXX_NO_SKIP=1: " << std::string{reason});
    }
}

} // namespace aioxx::test

/// Ends the test case (in a function that returns void) and counts it as skipped.
#define SKIP_CASE(reason)                                                                          \
    do {                                                                                           \
        ::aioxx::test::skip(reason, false);                                                        \
        return;                                                                                    \
    } while (false)

/// The same under ThreadSanitizer, which does not follow all that threads and processes may do.
#ifdef __SANITIZE_THREAD__
#define SKIP_UNDER_TSAN(reason)                                                                    \
    do {                                                                                           \
        ::aioxx::test::skip("ThreadSanitizer: " reason, true);                                     \
        return;                                                                                    \
    } while (false)
#else
#define SKIP_UNDER_TSAN(reason) static_cast<void>(0)
#endif

/// The same under valgrind, and nothing elsewhere. `reason`: what valgrind lacks.
#define SKIP_UNDER_VALGRIND(reason)                                                                \
    do {                                                                                           \
        if (::aioxx::test::under_valgrind()) {                                                     \
            ::aioxx::test::skip("valgrind: " reason, true);                                        \
            return;                                                                                \
        }                                                                                          \
    } while (false)

/// The same where io_setup is refused. `reason`: what is counted, or seen, of kernel AIO.
#define SKIP_WITHOUT_KERNEL_AIO(reason)                                                            \
    do {                                                                                           \
        if (::aioxx::test::without_kernel_aio()) {                                                 \
            ::aioxx::test::skip("no kernel AIO: " reason, true);                                   \
            return;                                                                                \
        }                                                                                          \
    } while (false)

/// The same where other programs run. `reason`: what of theirs the case would change.
#define SKIP_ON_SHARED_MACHINE(reason)                                                             \
    do {                                                                                           \
        if (!::aioxx::test::is_set("AIOXX_OWN_MACHINE")) {                                         \
            ::aioxx::test::skip("a machine of its own: " reason, true);                            \
            return;                                                                                \
        }                                                                                          \
    } while (false)
