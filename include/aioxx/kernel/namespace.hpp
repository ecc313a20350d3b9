// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#if __cplusplus < 201709L // what compilers said before C++20 was done
#error "libaioxx is for C++20: compile with -std=c++20 or later"
#include <aioxx/compile_with_std_cpp20> // there is none: the compilation ends here
#endif

/// Marks what the shared library exports; everything else is hidden.
#define AIOXX_API __attribute__((visibility("default")))

/// The library's namespace, with the inline namespace that stands for its ABI. It changes when
/// the soname changes, and never otherwise.
#define AIOXX_NAMESPACE_BEGIN                                                                      \
    namespace aioxx {                                                                              \
    inline namespace v0 {
#define AIOXX_NAMESPACE_END                                                                        \
    }                                                                                              \
    }
