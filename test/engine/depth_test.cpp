// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "descriptors.hpp"
#include "running_engine.hpp"

#include <limits>

namespace aioxx::test {
namespace {

TEST_CASE("depth() is what the kernel has given, however much was asked for") {
    constexpr unsigned most = std::numeric_limits<unsigned>::max();
    const TemporaryFile content{"abc"};
    const File file = File::borrow(content);
    for (const unsigned depth : {most, most - 65, most - 66, most / 2 + 1, 1U << 23U, 1U << 22U}) {
        Engine::Options options;
        options.depth = depth;
        RunningEngine engine{options};
        REQUIRE(engine->uses_kernel_aio());
        CHECK(engine->depth() > 0);
        CHECK(engine->depth() <= limits().allowed);
        Transfer read;
        engine.begin(read, Kind::read, file);
        CHECK(engine.result_of(read) == 3);
    }
}

} // namespace
} // namespace aioxx::test
