// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstddef>
#include <cstdint>

namespace aioxx::test {

/// The same numbers for the same seed, on every machine: splitmix64.
class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31);
    }
    /// 0 to `count` - 1.
    std::size_t below(std::size_t count) noexcept {
        return count == 0 ? 0 : static_cast<std::size_t>(next() % count);
    }
    bool percent(unsigned chance) noexcept { return below(100) < chance; }

private:
    std::uint64_t state_;
};

} // namespace aioxx::test
