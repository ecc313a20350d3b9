// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/standard_descriptors.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace tool {

void hold_standard_descriptors() noexcept {
    int fd = -1;
    do {
        fd = ::open("/", O_PATH | O_CLOEXEC); // the lowest number that is free
    } while (fd >= 0 && fd <= STDERR_FILENO);
    ::close(fd);
}

} // namespace tool
