// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <string>

namespace tool {

/// What could not be done for a copy that is complete all the same: the file system does not have
/// it, or the user may not. One line tells all of it.
class Remarks {
public:
    void add(const std::string& what);
    /// "WHAT: the text of errno"
    void add(const std::string& what, int error_number);

    /// "; " between them.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// "NAME: is copied, but ..." on standard error; nothing where there are none.
    void tell_user_of(const std::string& name) const;

private:
    std::string text_;
};

/// Whether an errno says that the file system does not have something, or that this user may not
/// do it. The others, EIO above all, say that it went wrong.
[[nodiscard]] bool is_refusal(int error_number) noexcept;

/// The same of a flush, which every user may make.
[[nodiscard]] bool is_without_flush(int error_number) noexcept;

} // namespace tool
