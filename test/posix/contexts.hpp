// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstddef>
#include <fstream>
#include <string>

namespace aioxx::test {

/// The contexts of kernel AIO that this process has. Each is a mapping.
inline std::size_t contexts() {
    std::ifstream maps{"/proc/self/maps"};
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) {
        count += line.find("/[aio]") != std::string::npos ? 1U : 0U;
    }
    return count;
}

} // namespace aioxx::test
