// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What RoutePolicy learns from submits of direct I/O that put the thread to sleep.

#include "engine/route_policy.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::FileTraits;
using engine::RoutePolicy;
using engine::SubmitWatch;
using engine::Way;
using Choice = RoutePolicy::Choice;

constexpr FileTraits direct{.regular = true, .direct = true};

// The figures in the names below.
static_assert(RoutePolicy::watched_at_first == 64);
static_assert(RoutePolicy::fewest_between_reads == 64);
static_assert(RoutePolicy::most_between_reads == 1024);
static_assert(RoutePolicy::between_writes == 4);
static_assert(RoutePolicy::sleeps_until_offloaded == 2);
static_assert(RoutePolicy::watched_after_one == 8);
static_assert(RoutePolicy::trials_after_sleeping == 16);
static_assert(RoutePolicy::first_penalty == 64);
static_assert(RoutePolicy::most_penalty == 4096);
static_assert(RoutePolicy::long_clean == 4096);

/// One direction of a file with direct I/O.
struct Direction {
    explicit Direction(bool writes) : write(writes) {}

    Choice next() { return policy.choose(direct, {.write = write}); }
    /// Submits the next by a call of its own, which sleeps or not.
    Choice submit(bool slept = false) {
        const Choice choice = next();
        if (choice.way == Way::submit) {
            policy.submitted(choice.watch, true, slept);
        }
        return choice;
    }
    /// Submits without sleeping, until all are trusted.
    void trust() {
        while (submit().watch == SubmitWatch::alone) {
        }
    }
    /// How many go to workers, until one that does not, and which is submitted.
    unsigned offloaded(bool slept = false) {
        unsigned count = 0;
        while (submit(slept).way == Way::worker_submit) {
            ++count;
        }
        return count;
    }

    RoutePolicy policy;
    bool write;
};

TEST_CASE("the first 64 submits on a file are watched one by one, and then no more") {
    for (const bool write : {false, true}) {
        Direction file{write};
        for (unsigned i = 0; i < RoutePolicy::watched_at_first; ++i) {
            const Choice choice = file.submit();
            CHECK(choice.way == Way::submit);
            CHECK(choice.watch == SubmitWatch::alone);
        }
        for (unsigned i = 0; i < 10'000; ++i) {
            const Choice choice = file.submit();
            CHECK(choice.way == Way::submit);
            CHECK(choice.watch != SubmitWatch::alone);
        }
    }
}

/// Numbers of submits that pass unwatched between two that are watched.
std::vector<unsigned> gaps(Direction& file, std::size_t count) {
    std::vector<unsigned> all;
    unsigned gap = 0;
    while (all.size() < count) {
        if (file.submit().watch == SubmitWatch::together) {
            all.push_back(std::exchange(gap, 0));
        } else {
            ++gap;
        }
    }
    return all;
}

TEST_CASE("one write in about five is watched, at uneven distances") {
    Direction file{true};
    file.trust();
    const std::vector<unsigned> all = gaps(file, 2000);
    const auto [least, most] = std::ranges::minmax(all);
    CHECK(least == RoutePolicy::between_writes / 2);
    CHECK(most == RoutePolicy::between_writes / 2 + RoutePolicy::between_writes - 1);
    CHECK(std::set(all.begin(), all.end()).size() == RoutePolicy::between_writes);
}

TEST_CASE("reads are watched ever more rarely, from one in 64 to one in 1024, unevenly") {
    constexpr unsigned fewest = RoutePolicy::fewest_between_reads;
    constexpr unsigned most = RoutePolicy::most_between_reads;
    Direction file{false};
    file.trust();
    std::vector<unsigned> all = gaps(file, 200);
    CHECK(all[0] >= fewest / 2 - 1);
    CHECK(all[0] < fewest + fewest / 2);
    // Each interval is added to what is clean, and that is the next interval.
    for (unsigned expected = 2 * fewest, i = 2; expected <= most; expected *= 2, ++i) {
        CAPTURE(i);
        CHECK(all[i] >= expected / 2);
        CHECK(all[i] < expected + expected / 2);
    }
    const auto [least_late, most_late] = std::ranges::minmax_element(all.begin() + 10, all.end());
    CHECK(*least_late >= most / 2);
    CHECK(*most_late < most + most / 2);
    CHECK(*most_late - *least_late > most / 2);
}

TEST_CASE("one submit that sleeps is an accident, and the next eight are watched one by one") {
    for (const bool write : {false, true}) {
        Direction file{write};
        file.trust();
        file.policy.submitted(SubmitWatch::alone, true, true);
        for (unsigned i = 0; i < RoutePolicy::watched_after_one; ++i) {
            CHECK(file.submit().watch == SubmitWatch::alone);
        }
        CHECK(file.submit().watch != SubmitWatch::alone);
    }
}

TEST_CASE("a batch that slept only makes the next eight be watched, as often as that may be") {
    Direction file{true};
    file.trust();
    for (unsigned i = 0; i < 10; ++i) {
        file.policy.submitted(SubmitWatch::together, false, true);
        const Choice choice = file.next();
        CHECK(choice.way == Way::submit);
        CHECK(choice.watch == SubmitWatch::alone);
    }
}

TEST_CASE("what is not watched teaches nothing, and neither does a batch that did not sleep") {
    Direction file{true};
    file.trust();
    for (unsigned i = 0; i < 10; ++i) {
        file.policy.submitted(SubmitWatch::none, true, true);
        file.policy.submitted(SubmitWatch::together, false, false);
    }
    const Choice choice = file.next();
    CHECK(choice.way == Way::submit);
    CHECK(choice.watch != SubmitWatch::alone);
}

TEST_CASE("one that sleeps among the first 64 does not cut short that all of them are watched") {
    Direction file{true};
    file.submit(true);
    for (unsigned i = 1; i < RoutePolicy::watched_at_first; ++i) {
        CHECK(file.submit().watch == SubmitWatch::alone);
    }
    CHECK(file.submit().watch != SubmitWatch::alone);
}

TEST_CASE("after one that sleeps reads are watched as often as at first") {
    Direction file{false};
    file.trust();
    gaps(file, 100);
    file.policy.submitted(SubmitWatch::alone, true, true);
    file.trust();
    gaps(file, 1); // was begun before
    CHECK(gaps(file, 1)[0] < RoutePolicy::fewest_between_reads * 3 / 2);
}

TEST_CASE("two submits in a row that sleep send the next 64 operations to workers") {
    Direction file{true};
    file.submit(true);
    CHECK(file.submit(true).way == Way::submit);
    CHECK(file.offloaded() == RoutePolicy::first_penalty);
}

TEST_CASE("two that sleep with passes between them count as in a row until all is trusted again") {
    Direction file{true};
    file.trust();
    file.policy.submitted(SubmitWatch::alone, true, true);
    for (unsigned i = 1; i < RoutePolicy::watched_after_one; ++i) {
        file.submit();
    }
    file.submit(true);
    CHECK(file.next().way == Way::worker_submit);

    Direction other{true};
    other.trust();
    other.policy.submitted(SubmitWatch::alone, true, true);
    for (unsigned i = 0; i < RoutePolicy::watched_after_one; ++i) {
        other.submit();
    }
    other.policy.submitted(SubmitWatch::alone, true, true);
    CHECK(other.next().way == Way::submit);
}

TEST_CASE("after workers 16 are tried; one that sleeps is enough, and the penalty doubles") {
    Direction file{true};
    file.submit(true);
    file.submit(true);
    for (unsigned expected = RoutePolicy::first_penalty; expected <= RoutePolicy::most_penalty;
         expected *= 2) {
        CHECK(file.offloaded(true) == expected);
    }
    CHECK(file.offloaded(true) == RoutePolicy::most_penalty);
    CHECK(file.offloaded() == RoutePolicy::most_penalty);
    for (unsigned i = 1; i < RoutePolicy::trials_after_sleeping; ++i) {
        CHECK(file.submit().watch == SubmitWatch::alone);
    }
    CHECK(file.submit().watch != SubmitWatch::alone);
}

TEST_CASE("the last of 16 trials may still send the file back to workers") {
    Direction file{true};
    file.submit(true);
    file.submit(true);
    CHECK(file.offloaded() == RoutePolicy::first_penalty); // and the first trial
    for (unsigned i = 2; i < RoutePolicy::trials_after_sleeping; ++i) {
        file.submit();
    }
    CHECK(file.submit(true).watch == SubmitWatch::alone);
    CHECK(file.offloaded() == 2 * RoutePolicy::first_penalty);
}

TEST_CASE("when all trials have passed a file is trusted again: it takes two to offload it") {
    Direction file{true};
    file.submit(true);
    file.submit(true);
    file.offloaded();
    for (unsigned i = 1; i < RoutePolicy::trials_after_sleeping; ++i) {
        file.submit();
    }
    file.policy.submitted(SubmitWatch::alone, true, true);
    CHECK(file.next().way == Way::submit);
    file.policy.submitted(SubmitWatch::alone, true, true);
    CHECK(file.offloaded() == 2 * RoutePolicy::first_penalty); // the penalty is remembered
}

TEST_CASE("about 4096 submits without one that sleeps, and the penalty is the first again") {
    for (const bool write : {false, true}) {
        Direction file{write};
        file.submit(true);
        file.submit(true);
        CHECK(file.offloaded(true) == RoutePolicy::first_penalty);
        CHECK(file.offloaded() == 2 * RoutePolicy::first_penalty);
        unsigned submits = 0;
        while (submits < 2 * RoutePolicy::long_clean) {
            file.submit();
            ++submits;
        }
        file.policy.submitted(SubmitWatch::alone, true, true);
        file.policy.submitted(SubmitWatch::alone, true, true);
        CHECK(file.offloaded() == RoutePolicy::first_penalty);
    }
}

TEST_CASE("fewer clean submits leave the penalty as it is") {
    Direction file{true};
    file.submit(true);
    file.submit(true);
    CHECK(file.offloaded() == RoutePolicy::first_penalty);
    for (unsigned i = 0; i < RoutePolicy::long_clean / 2; ++i) {
        file.submit();
    }
    file.policy.submitted(SubmitWatch::alone, true, true);
    file.policy.submitted(SubmitWatch::alone, true, true);
    CHECK(file.offloaded() == 2 * RoutePolicy::first_penalty);
}

} // namespace
} // namespace aioxx::test
