// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// What posix_test.cpp runs where the drop-in cannot go.

#include <unistd.h>

int main() {
    return ::write(STDOUT_FILENO, "it ran\n", 7) == 7 ? 3 : 1;
}
