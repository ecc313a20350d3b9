// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// What a sanitizer calls when it ends the program; null without one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*)());

namespace aioxx::test {

/// The one that runs, for who ends the program.
inline std::uint64_t current_seed = 0;

/// Runs `one(seed)`, which returns what was wrong, for `usual` seeds; AIOXX_SEEDS says how many
/// times as many, AIOXX_SEED replays one.
template <typename Run>
void for_seeds(std::uint64_t usual, Run&& one) {
    const char* const single = std::getenv("AIOXX_SEED");
    const char* const many = std::getenv("AIOXX_SEEDS");
    const std::uint64_t from = single != nullptr ? std::strtoull(single, nullptr, 10) : 1;
    const std::uint64_t count =
        single != nullptr ? 1 : usual * (many != nullptr ? std::strtoull(many, nullptr, 10) : 1);
    if (__sanitizer_set_death_callback != nullptr) {
        __sanitizer_set_death_callback([] {
            std::fprintf(stderr, "AIOXX_SEED=%llu\n",
                         static_cast<unsigned long long>(current_seed));
        });
    }
    unsigned failed = 0;
    for (std::uint64_t seed = from; seed < from + count && failed < 5; ++seed) {
        INFO("AIOXX_SEED=" << seed); // for a crash
        current_seed = seed;
        const std::vector<std::string> failures = one(seed);
        if (failures.empty()) {
            continue;
        }
        ++failed;
        std::string all = "AIOXX_SEED=" + std::to_string(seed) + ":";
        for (const std::string& failure : failures) {
            all += "\n  " + failure;
        }
        FAIL_CHECK(all);
    }
}

} // namespace aioxx::test
