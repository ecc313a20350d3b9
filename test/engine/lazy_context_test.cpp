// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// How much of fs.aio-max-nr a context takes. How one is made is in scripted_kernel.

#include "engine/lazy_context.hpp"

#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::LazyContext;

TEST_CASE("the depth within a share takes no more than that, and one deeper would") {
    for (std::uint64_t share = 0; share < 4096; ++share) {
        CAPTURE(share);
        const unsigned depth = LazyContext::depth_within(share);
        if (depth == 0) {
            CHECK(LazyContext{1}.events_asked() > share);
            continue;
        }
        CHECK(LazyContext{depth}.events_asked() <= share);
        CHECK(LazyContext{depth + 1}.events_asked() > share);
    }
}

TEST_CASE("of a share without bounds the depth is one that there can be") {
    const unsigned most = LazyContext::depth_within(std::numeric_limits<std::uint64_t>::max());
    CHECK(LazyContext{most}.events_asked() == LazyContext{most + 1}.events_asked());
}

} // namespace
} // namespace aioxx::test
