// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <stdexcept>
#include <string>

namespace tool {

/// What ends the command with a status, 1 unless it says otherwise: its text is the one line that
/// the user sees, and names the file and the cause.
class Failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;

    /// "NAME: WHAT: the text of errno"
    Failure(const std::string& name, const std::string& what, int error_number, int status = 1);

    [[nodiscard]] int status() const noexcept { return status_; }
    /// 0 where it was made without.
    [[nodiscard]] int error_number() const noexcept { return error_number_; }

private:
    int status_ = 1;
    int error_number_ = 0;
};

/// On standard error: one line, whatever a file name in it holds.
void tell_user(std::string text);

/// On standard output. Throws a Failure where not all of it gets there.
void print(const std::string& text);

} // namespace tool
