// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/core/error.hpp>

AIOXX_NAMESPACE_BEGIN

void detail::throw_error(const std::error_code& error, const char* call) {
    throw std::system_error(error, call);
}

AIOXX_NAMESPACE_END
