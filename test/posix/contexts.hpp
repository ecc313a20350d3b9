// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace aioxx::test {

struct Mapping {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
};

/// The rings of the contexts of kernel AIO that this process has.
inline std::vector<Mapping> rings() {
    std::ifstream maps{"/proc/self/maps"};
    std::vector<Mapping> found;
    for (std::string line; std::getline(maps, line);) {
        if (line.find("/[aio]") != std::string::npos) {
            std::size_t dash = 0;
            const auto begin = static_cast<std::uintptr_t>(std::stoull(line, &dash, 16));
            found.push_back({begin, static_cast<std::uintptr_t>(
                                        std::stoull(line.substr(dash + 1), nullptr, 16))});
        }
    }
    return found;
}

/// The contexts of kernel AIO that this process has.
inline std::size_t contexts() {
    return rings().size();
}

} // namespace aioxx::test
