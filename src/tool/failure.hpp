// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <stdexcept>
#include <string>

namespace tool {

/// What ends the command with status 1: its text is the one line that the user sees, and names the
/// file and the cause.
class Failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;

    /// "NAME: WHAT: the text of errno"
    Failure(const std::string& name, const std::string& what, int error_number);
};

} // namespace tool
