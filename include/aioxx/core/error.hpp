// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <system_error>

AIOXX_NAMESPACE_BEGIN

namespace detail {

/// The throwing half of the library in one function: raises `std::system_error` with `error`, and
/// with the name of the call that failed in front of the text. Every throwing overload is the
/// `std::error_code&` overload followed by this.
[[noreturn]] AIOXX_API void throw_error(const std::error_code& error, const char* call);

} // namespace detail

/// An empty error_code of the category that this library uses, `std::generic_category()`:
///
///     std::error_code error = aioxx::no_error();
///     context.submit(read, error);
inline std::error_code no_error() noexcept {
    return {0, std::generic_category()};
}

AIOXX_NAMESPACE_END
