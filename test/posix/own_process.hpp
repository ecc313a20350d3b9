// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Test cases that run in a process of their own, for a limited time. Another case leaves no
// threads, contexts or requests there, limits and handlers may be changed, and a request that never
// completes fails one case only.
//
//     POSIX_CASE("a sentence") { CHECK(...); }
//
// The program runs itself for each. With AIOXX_OWN_PROCESS=1 in the environment the cases run
// where they are called: for a debugger.

#include "skip.hpp"

#include "posix/provider.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AIOXX_TEST_TSAN
#endif
#elif defined(__SANITIZE_THREAD__)
#define AIOXX_TEST_TSAN
#endif

/// ThreadSanitizer has a thread of its own, and runs handlers late.
inline constexpr bool under_tsan =
#ifdef AIOXX_TEST_TSAN
    true;
#else
    false;
#endif

/// AddressSanitizer's allocator may be locked, for ever, in a child of many threads.
inline constexpr bool children_allocate =
#if defined(AIOXX_TEST_TSAN) || defined(__SANITIZE_ADDRESS__)
    false;
#else
    true;
#endif

/// Runs the case `sentence` in a new process, and reports here what it reports there.
void run_in_own_process(const char* sentence);

/// How a program ended, and what it printed to standard output and standard error together.
struct ProgramEnd {
    int status = -1; // -1 where a signal ended it
    int signal = 0;
    bool timed_out = false; // it was ended; the text says where its threads were
    std::string text;
};

/// What a program is started with.
struct Program {
    std::vector<std::string> arguments;   // the first is the file to run
    std::vector<std::string> environment; // "NAME=value", added to that of this process
    unsigned seconds = 60;                // then it is ended, with all of its process group
};
ProgramEnd run(const Program& program);

/// What puts the library under test in front of a program that is not linked with it; empty for
/// the C library. The runtime of a sanitizer has to come first.
std::vector<std::string> preloaded();

/// The file that this process runs.
std::string own_path();

} // namespace aioxx::test

#define POSIX_CASE_NAMED(function, sentence)                                                       \
    static void function();                                                                        \
    TEST_CASE(sentence) {                                                                          \
        if (::aioxx::test::is_set("AIOXX_OWN_PROCESS")) {                                          \
            function();                                                                            \
        } else {                                                                                   \
            ::aioxx::test::run_in_own_process(sentence);                                           \
        }                                                                                          \
    }                                                                                              \
    static void function()
/// A test case. Skip it with SKIP_CASE.
#define POSIX_CASE(sentence) POSIX_CASE_NAMED(DOCTEST_ANONYMOUS(posix_case_), sentence)

/// Ends the case where glibc is tested, which cannot do what the case asks for; prints the reason.
#define NOT_ON_GLIBC(reason)                                                                       \
    do {                                                                                           \
        if (::aioxx::test::on_glibc()) {                                                           \
            std::printf("not on glibc: %s\n", reason);                                             \
            return;                                                                                \
        }                                                                                          \
    } while (false)

/// The same under ThreadSanitizer.
#define NOT_UNDER_TSAN(reason)                                                                     \
    do {                                                                                           \
        if (::aioxx::test::under_tsan) {                                                           \
            std::printf("not under ThreadSanitizer: %s\n", reason);                                \
            return;                                                                                \
        }                                                                                          \
    } while (false)
