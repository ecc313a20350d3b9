// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <exception>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// What a `catch (...)` that calls it has caught. The end of the thread, by pthread_exit, is no
/// exception of C++'s: it goes on from here.
inline std::exception_ptr caught_exception() {
    std::exception_ptr caught = std::current_exception();
    if (caught == nullptr) {
        throw;
    }
    return caught;
}

} // namespace detail
AIOXX_NAMESPACE_END
