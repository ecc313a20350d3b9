// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/failure.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <iostream>
#include <system_error>

namespace tool {

Failure::Failure(const std::string& name, const std::string& what, int error_number, int status)
    : std::runtime_error(name + ": " + what + ": " + std::generic_category().message(error_number)),
      status_(status), error_number_(error_number) {}

void tell_user(std::string text) {
    std::replace_if(
        text.begin(), text.end(),
        [](char c) { return std::iscntrl(static_cast<unsigned char>(c)); }, '?');
    std::cerr << "aioxx: " << text << '\n';
}

void print(const std::string& text) {
    errno = 0;
    std::cout << text << std::flush;
    if (!std::cout) {
        throw Failure("standard output", "cannot write", errno);
    }
}

} // namespace tool
