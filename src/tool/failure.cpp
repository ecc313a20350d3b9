// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/failure.hpp"

#include <system_error>

namespace tool {

Failure::Failure(const std::string& name, const std::string& what, int error_number)
    : std::runtime_error(name + ": " + what + ": " +
                         std::generic_category().message(error_number)) {}

} // namespace tool
