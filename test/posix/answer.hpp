// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

namespace aioxx::test {

/// What `call` answers: "0", "-1 EINVAL".
template <typename Call>
std::string answer(Call call) {
    errno = 0;
    const auto result = call();
    const int error = errno;
    std::string text = std::to_string(result);
    if (result == -1) {
        const char* const name = ::strerrorname_np(error);
        text += std::string{" "} + (name == nullptr ? "?" : name);
    }
    return text;
}

inline const std::string accepted = "0";
inline const std::string invalid = "-1 EINVAL";
inline const std::string bad_descriptor = "-1 EBADF";

} // namespace aioxx::test
