// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "kernel/raw_call.hpp"

#include <limits>

#include <doctest/doctest.h>

namespace kernel = aioxx::kernel;
using kernel::TimeoutSpec;

namespace {

/// As a 32-bit kernel interface has it.
struct Time32 {
    std::int32_t tv_sec;
    std::int32_t tv_nsec;
};

TEST_CASE("waiting for ever has no time structure") {
    TimeoutSpec<kernel::Time64> limit{kernel::forever};
    CHECK(limit.get() == nullptr);
}

TEST_CASE("a timeout is taken apart into seconds and nanoseconds") {
    TimeoutSpec<kernel::Time64> limit{5'000'000'007};
    REQUIRE(limit.get() != nullptr);
    CHECK(limit.get()->tv_sec == 5);
    CHECK(limit.get()->tv_nsec == 7);
    TimeoutSpec<kernel::Time64> none{0};
    REQUIRE(none.get() != nullptr);
    CHECK(none.get()->tv_sec == 0);
    CHECK(none.get()->tv_nsec == 0);
}

TEST_CASE("the longest timeout fits into 64-bit seconds") {
    TimeoutSpec<kernel::Time64> limit{std::numeric_limits<kernel::Timeout>::max()};
    CHECK(limit.get()->tv_sec == 9'223'372'036);
    CHECK(limit.get()->tv_nsec == 854'775'807);
}

TEST_CASE("a timeout too long for 32-bit seconds is the longest that they have") {
    TimeoutSpec<Time32> limit{std::numeric_limits<kernel::Timeout>::max()};
    CHECK(limit.get()->tv_sec == std::numeric_limits<std::int32_t>::max());
    CHECK(limit.get()->tv_nsec >= 0);
    CHECK(limit.get()->tv_nsec < 1'000'000'000);
    TimeoutSpec<Time32> fits{2'147'483'647'000'000'001};
    CHECK(fits.get()->tv_sec == std::numeric_limits<std::int32_t>::max());
    CHECK(fits.get()->tv_nsec == 1);
}

} // namespace
