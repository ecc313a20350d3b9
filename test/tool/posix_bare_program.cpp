// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// What posix_test.cpp runs where the drop-in cannot go; nor should it be tried.

#include <cstdlib>
#include <string_view>

#include <unistd.h>

int main() {
    const bool is_preloaded = std::getenv("LD_PRELOAD") != nullptr;
    const std::string_view text = is_preloaded ? "it ran, preloaded\n" : "it ran\n";
    return ::write(STDOUT_FILENO, text.data(), text.size()) > 0 ? 3 : 1;
}
