// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/remarks.hpp"

#include "tool/failure.hpp"

#include <cerrno>
#include <system_error>

namespace tool {

void Remarks::add(const std::string& what) {
    text_ += (text_.empty() ? "" : "; ") + what;
}

void Remarks::add(const std::string& what, int error_number) {
    add(what + ": " + std::generic_category().message(error_number));
}

void Remarks::tell_user_of(const std::string& name) const {
    if (!text_.empty()) {
        tell_user(name + ": is copied, but " + text_);
    }
}

bool is_refusal(int error_number) noexcept {
    return error_number == EPERM || error_number == EACCES || error_number == ENOTTY ||
           is_without_flush(error_number);
}

bool is_without_flush(int error_number) noexcept {
    return error_number == EOPNOTSUPP || error_number == EINVAL || error_number == ENOSYS;
}

} // namespace tool
