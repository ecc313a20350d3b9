// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/turn.hpp"

#include <array>
#include <cstddef>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Operation;
using engine::Turn;

/// Of reads: four places, and two while many wait.
struct Readers {
    /// How many of so many that enter have a turn.
    std::size_t enter(std::size_t count) {
        std::size_t have = 0;
        for (std::size_t i = 0; i < count; ++i) {
            have += turn.enter(all[used++]) ? 1U : 0U;
        }
        return have;
    }

    Turn turn{4, 2, true};
    std::array<Operation, 32> all;
    std::size_t used = 0;
};

TEST_CASE("a turn has so many places, and each that is left goes to the first that waits") {
    Readers readers;
    CHECK(readers.enter(6) == 4);
    CHECK(readers.turn.pass() == &readers.all[4]);
    CHECK(readers.turn.pass() == &readers.all[5]);
    CHECK(readers.turn.pass() == nullptr);
    CHECK(readers.enter(2) == 1);
}

TEST_CASE("while more wait than there are places few have a turn") {
    Readers readers;
    CHECK(readers.enter(9) == 4);
    CHECK(readers.turn.pass() == nullptr);
    CHECK(readers.turn.pass() == nullptr);
    CHECK(readers.turn.pass() == &readers.all[4]);
    for (std::size_t i = 5; i < 9; ++i) {
        CHECK(readers.turn.pass() == &readers.all[i]);
    }
    CHECK(readers.turn.pass() == nullptr);
    CHECK(readers.enter(2) == 1); // still
    CHECK(readers.turn.pass() == &readers.all[10]);
    CHECK(readers.turn.pass() == nullptr);
    CHECK(readers.turn.pass() == nullptr);
    CHECK(readers.enter(5) == 4); // none had a turn in between
}

TEST_CASE("one more has a turn at each look that finds none over, until none waits") {
    Readers readers;
    CHECK(readers.enter(9) == 4);
    CHECK(readers.turn.look() == nullptr); // the first finds that some have entered
    CHECK(readers.turn.look() == &readers.all[4]);
    CHECK(readers.turn.look() == &readers.all[5]);
    CHECK(readers.turn.pass() == &readers.all[6]); // as many as before
    CHECK(readers.turn.pass() == &readers.all[7]);
    CHECK(readers.turn.pass() == &readers.all[8]);
    CHECK(readers.turn.pass() == nullptr);
    CHECK(readers.enter(1) == 0);
}

} // namespace
} // namespace aioxx::test
