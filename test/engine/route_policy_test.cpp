// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// By which way a transfer goes: each row of the choice, and what is learnt for it. What is learnt
// from submits that sleep is in submit_sleep_test.cpp.

#include "engine/route_policy.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::FileTraits;
using engine::RoutePolicy;
using engine::SubmitWatch;
using engine::Way;
using Question = RoutePolicy::Question;

// The figures in the names below.
static_assert(RoutePolicy::misses_until_skipped == 4);
static_assert(RoutePolicy::most_skips == 64);

constexpr FileTraits regular{.regular = true};
constexpr FileTraits direct{.regular = true, .direct = true};
constexpr FileTraits in_memory{.regular = true, .in_memory = true};
constexpr FileTraits never_waits{.never_waits = true};
constexpr FileTraits on_fuse{.regular = true, .starting_waits = true};
constexpr FileTraits direct_on_fuse{.regular = true, .direct = true, .starting_waits = true};
constexpr FileTraits stream{.stream = true};
constexpr FileTraits device{};

void refuse_nothing(RoutePolicy&) {}
void refuse_nowait(RoutePolicy& policy) {
    policy.refuse_nowait();
}
void refuse_tries(RoutePolicy& policy) {
    policy.refuse_tries();
}
void miss(RoutePolicy& policy) {
    policy.try_refused(regular, EAGAIN, false);
}

TEST_CASE("the first row that fits says by which way a transfer goes") {
    struct Row {
        const char* what;
        FileTraits file;
        Question question;
        void (*learnt)(RoutePolicy&);
        Way way;
    };
    const Question read{};
    const Question write{.write = true};
    const Question large{.small = false};
    const Question no_aio{.kernel_aio = false};
    for (const Row& row : {
             Row{"page cache, a read", regular, read, refuse_nothing, Way::call_nowait},
             Row{"page cache, a write", regular, write, refuse_nothing, Way::call_nowait},
             Row{"page cache of a device", device, read, refuse_nothing, Way::call_nowait},
             Row{"page cache, missed just now", regular, read, miss, Way::worker},
             Row{"page cache, NOWAIT unknown", regular, read, refuse_nowait, Way::worker},
             Row{"page cache, large", regular, large, refuse_nothing, Way::worker},
             Row{"page cache, no kernel AIO", regular, no_aio, refuse_nothing, Way::call_nowait},
             Row{"direct", direct, read, refuse_nothing, Way::submit},
             Row{"direct, large", direct, large, refuse_nothing, Way::submit},
             Row{"direct, NOWAIT unknown", direct, write, refuse_nowait, Way::submit},
             Row{"direct, no kernel AIO", direct, no_aio, refuse_nothing, Way::worker},
             Row{"direct, nowait_always",
                 direct,
                 {.nowait_always = true},
                 refuse_nothing,
                 Way::submit_nowait},
             Row{"direct, nowait_always, missed just now",
                 direct,
                 {.nowait_always = true},
                 miss,
                 Way::worker},
             Row{"direct, nowait_always, NOWAIT unknown",
                 direct,
                 {.nowait_always = true},
                 refuse_nowait,
                 Way::worker},
             Row{"direct, nowait_always, no kernel AIO",
                 direct,
                 {.kernel_aio = false, .nowait_always = true},
                 refuse_nothing,
                 Way::worker},
             Row{"an append",
                 regular,
                 {.write = true, .appends = true},
                 refuse_nothing,
                 Way::worker},
             Row{"an append, direct",
                 direct,
                 {.write = true, .appends = true},
                 refuse_nothing,
                 Way::worker},
             Row{"an append in memory",
                 in_memory,
                 {.write = true, .appends = true},
                 refuse_nothing,
                 Way::call},
             Row{"in memory", in_memory, write, refuse_nothing, Way::call},
             Row{"in memory, NOWAIT unknown", in_memory, read, refuse_nowait, Way::call},
             Row{"in memory, large", in_memory, large, refuse_nothing, Way::worker},
             Row{"a file that answers EAGAIN itself", never_waits, read, refuse_nothing, Way::call},
             Row{"the same, large", never_waits, large, refuse_nothing, Way::call},
             Row{"the same, an append",
                 never_waits,
                 {.write = true, .appends = true},
                 refuse_nothing,
                 Way::call},
             Row{"FUSE, a read", on_fuse, read, refuse_nothing, Way::worker},
             Row{"FUSE, a write", on_fuse, write, refuse_nothing, Way::worker},
             Row{"FUSE, direct, a read", direct_on_fuse, read, refuse_nothing, Way::worker_submit},
             Row{"FUSE, direct, nowait_always",
                 direct_on_fuse,
                 {.nowait_always = true},
                 refuse_nothing,
                 Way::worker_submit},
             Row{"FUSE, direct, a write", direct_on_fuse, write, refuse_nothing,
                 Way::worker_submit},
             Row{"FUSE, direct, no kernel AIO", direct_on_fuse, no_aio, refuse_nothing,
                 Way::worker},
             Row{"a stream", stream, read, refuse_nothing, Way::call_nowait},
             Row{"a stream, no kernel AIO", stream, no_aio, refuse_nothing, Way::call_nowait},
             Row{"a stream with O_NONBLOCK",
                 stream,
                 {.nonblocking = true},
                 refuse_nothing,
                 Way::call_nowait},
             Row{"a stream, NOWAIT unknown", stream, write, refuse_nowait, Way::worker},
             Row{"a stream with O_NONBLOCK, NOWAIT unknown",
                 stream,
                 {.write = true, .nonblocking = true},
                 refuse_nowait,
                 Way::call_nonblocking},
             Row{"the same, that cannot be waited for",
                 stream,
                 {.write = true, .nonblocking = true},
                 refuse_tries,
                 Way::worker},
             Row{"RWF_NOWAIT of the user's own", regular, {.asks_nowait = true}, miss, Way::call},
             Row{"the same, large",
                 regular,
                 {.asks_nowait = true, .small = false},
                 refuse_nothing,
                 Way::worker},
             Row{"the same, direct",
                 direct,
                 {.asks_nowait = true, .nowait_always = true},
                 miss,
                 Way::submit},
             Row{"the same, direct, no kernel AIO",
                 direct,
                 {.asks_nowait = true, .kernel_aio = false},
                 refuse_nothing,
                 Way::worker},
             Row{"the same, an append",
                 regular,
                 {.write = true, .asks_nowait = true, .appends = true},
                 refuse_nothing,
                 Way::call},
             Row{"the same, a stream", stream, {.asks_nowait = true}, refuse_nowait, Way::call},
         }) {
        CAPTURE(row.what);
        RoutePolicy policy;
        row.learnt(policy);
        const RoutePolicy::Choice choice = policy.choose(row.file, row.question);
        CHECK(choice.way == row.way);
        // Watched are submits of direct I/O, and no others.
        const bool watched = row.file.direct && row.way == Way::submit && !row.question.asks_nowait;
        CHECK((choice.watch != SubmitWatch::none) == watched);
    }
}

/// Of the next `count` reads a letter for each: n tried with NOWAIT, w by a worker.
std::string next_reads(RoutePolicy& policy, unsigned count) {
    std::string ways;
    for (unsigned i = 0; i < count; ++i) {
        ways += policy.choose(regular, {}).way == Way::call_nowait ? 'n' : 'w';
    }
    return ways;
}

/// How many go to workers until the next that is tried, which is counted.
unsigned skips(RoutePolicy& policy) {
    unsigned count = 0;
    while (policy.choose(regular, {}).way != Way::call_nowait) {
        ++count;
    }
    return count;
}

TEST_CASE("a page that is not cached costs one operation its try, and the next one is tried") {
    RoutePolicy policy;
    for (unsigned i = 1; i < RoutePolicy::misses_until_skipped; ++i) {
        CHECK(next_reads(policy, 1) == "n");
        policy.try_refused(regular, EAGAIN, false);
        CHECK(next_reads(policy, 1) == "w"); // the same operation, for which this was learnt
    }
    CHECK(next_reads(policy, 2) == "nn");
}

TEST_CASE("four misses in a row leave NOWAIT out for 4 operations, then 8, 16, 32, 64, and 64") {
    RoutePolicy policy;
    for (unsigned i = 0; i < RoutePolicy::misses_until_skipped - 1; ++i) {
        policy.try_refused(regular, EAGAIN, false);
        CHECK(skips(policy) == 1);
    }
    for (const unsigned expected : {4U, 8U, 16U, 32U, 64U, 64U, 64U}) {
        policy.try_refused(regular, EAGAIN, false);
        CHECK(skips(policy) == expected);
    }
    for (unsigned i = 0; i < 300; ++i) { // more than the count holds
        policy.try_refused(regular, EAGAIN, false);
        CHECK(skips(policy) == RoutePolicy::most_skips);
    }
}

TEST_CASE("one try that passes starts the count of misses anew") {
    RoutePolicy policy;
    for (unsigned i = 0; i < 6; ++i) {
        policy.try_refused(regular, EAGAIN, false);
    }
    CHECK(skips(policy) == 16);
    policy.try_passed();
    for (unsigned i = 1; i < RoutePolicy::misses_until_skipped; ++i) {
        policy.try_refused(regular, EAGAIN, false);
        CHECK(skips(policy) == 1);
    }
}

TEST_CASE("a try that passes does not end what is being left out") {
    RoutePolicy policy;
    for (unsigned i = 0; i < RoutePolicy::misses_until_skipped; ++i) {
        policy.try_refused(regular, EAGAIN, false);
    }
    policy.try_passed(); // was under way beside them
    CHECK(skips(policy) == 4);
}

TEST_CASE("where the cached pages end, the next part goes to a worker") {
    RoutePolicy policy;
    policy.next_is_uncached();
    CHECK(next_reads(policy, 3) == "wnn");
}

TEST_CASE("a file that does not know NOWAIT is never tried again") {
    for (const FileTraits& file : {regular, device, stream}) {
        RoutePolicy policy;
        CHECK_FALSE(policy.refuses_nowait());
        policy.try_refused(file, EOPNOTSUPP, false);
        CHECK(policy.refuses_nowait());
        policy.try_passed();
        CHECK(policy.choose(file, {}).way == Way::worker);
    }
}

TEST_CASE("EOPNOTSUPP to flags of the operation's own teaches nothing but to try the next one") {
    RoutePolicy policy;
    for (unsigned i = 0; i < 10; ++i) {
        policy.try_refused(regular, EOPNOTSUPP, true);
        CHECK_FALSE(policy.refuses_nowait());
        CHECK(next_reads(policy, 2) == "wn"); // the same operation, and another
    }
    policy.try_refused(regular, EAGAIN, true); // a miss is a miss
    for (unsigned i = 1; i < RoutePolicy::misses_until_skipped; ++i) {
        policy.try_refused(regular, EAGAIN, true);
    }
    CHECK(skips(policy) == 4);
}

TEST_CASE("EOPNOTSUPP does not cut short what is being left out") {
    RoutePolicy policy;
    for (unsigned i = 0; i < RoutePolicy::misses_until_skipped; ++i) {
        policy.try_refused(regular, EAGAIN, false);
    }
    policy.try_refused(regular, EOPNOTSUPP, true);
    CHECK(skips(policy) == 4);
}

TEST_CASE("a stream that is not ready is tried again, always") {
    RoutePolicy policy;
    for (unsigned i = 0; i < 100; ++i) {
        policy.try_refused(stream, EAGAIN, false);
        CHECK(policy.choose(stream, {}).way == Way::call_nowait);
    }
}

TEST_CASE("a stream refuses NOWAIT whatever else an operation has asked for") {
    RoutePolicy policy;
    policy.try_refused(stream, EOPNOTSUPP, true);
    CHECK(policy.refuses_nowait());
}

TEST_CASE("a stream is waited for first where trying would block") {
    RoutePolicy policy;
    CHECK_FALSE(policy.waits_first(false));
    CHECK_FALSE(policy.waits_first(true));
    policy.refuse_nowait();
    CHECK(policy.waits_first(false));
    CHECK_FALSE(policy.waits_first(true)); // by its O_NONBLOCK descriptor
}

/// Policies that differ in what has been learnt, of one file.
std::vector<RoutePolicy> learnt(const FileTraits& file) {
    std::vector<RoutePolicy> all(5);
    all[1].refuse_nowait();
    all[2].try_refused(file, EAGAIN, false); // skips one
    for (unsigned i = 0; i < RoutePolicy::sleeps_until_offloaded; ++i) {
        all[3].submitted(SubmitWatch::alone, true, true); // direct I/O is offloaded
    }
    all[4] = all[3];
    all[4].refuse_nowait();
    return all;
}

std::vector<FileTraits> all_traits() {
    std::vector<FileTraits> all;
    for (unsigned bits = 0; bits < 1U << 8U; ++bits) {
        const auto bit = [bits](unsigned place) { return (bits >> place & 1U) != 0; };
        if (bit(2) && (bit(1) || bit(5) || bit(6))) {
            continue; // direct is what has a device
        }
        all.push_back({.regular = bit(0),
                       .stream = bit(1),
                       .direct = bit(2),
                       .append = bit(3),
                       .synchronous = bit(4),
                       .in_memory = bit(5),
                       .never_waits = bit(6),
                       .starting_waits = bit(7)});
    }
    return all;
}

std::vector<Question> all_questions() {
    std::vector<Question> all;
    for (unsigned bits = 0; bits < 1U << 7U; ++bits) {
        const auto bit = [bits](unsigned place) { return (bits >> place & 1U) != 0; };
        all.push_back({.write = bit(0),
                       .asks_nowait = bit(1),
                       .appends = bit(2),
                       .nonblocking = bit(3),
                       .small = bit(4),
                       .kernel_aio = bit(5),
                       .nowait_always = bit(6)});
    }
    return all;
}

bool is_submitted(Way way) {
    return way == Way::submit || way == Way::submit_nowait || way == Way::worker_submit;
}

TEST_CASE("a submit is taken where the rows say so and it is not watched, or nothing changes") {
    RoutePolicy policy;
    unsigned taken = 0;
    unsigned refused = 0;
    std::uint32_t random = 1;
    for (unsigned i = 0; i < 200'000; ++i) {
        RoutePolicy shortcut = policy;
        const RoutePolicy before = policy;
        const RoutePolicy::Choice choice = policy.choose(direct, {});
        const bool is_taken = shortcut.take_usual(Way::submit);
        ++(is_taken ? taken : refused);
        const RoutePolicy& expected = is_taken ? policy : before;
        REQUIRE(std::memcmp(&shortcut, &expected, sizeof(RoutePolicy)) == 0);
        if (is_taken) {
            REQUIRE(choice.way == Way::submit);
            REQUIRE(choice.watch == SubmitWatch::none);
        }
        random = random * 1664525U + 1013904223U;                    // Numerical Recipes' generator
        const bool slept = (i / 20'000) % 2 == 1 && random % 3 == 0; // at times
        policy.submitted(choice.watch, choice.watch == SubmitWatch::alone, slept);
    }
    CHECK(taken > 1000);
    CHECK(refused > 1000);
}

TEST_CASE("the usual way of reads is what the rows say of every file, whatever is known of it") {
    unsigned usual = 0;
    for (unsigned bits = 0; bits < 128; ++bits) {
        const FileTraits file{.regular = (bits & 1U) != 0,
                              .stream = (bits & 2U) != 0,
                              .direct = (bits & 4U) != 0,
                              .in_memory = (bits & 8U) != 0,
                              .never_waits = (bits & 16U) != 0,
                              .starting_waits = (bits & 32U) != 0,
                              .on_server = (bits & 64U) != 0};
        if (file.direct && (file.stream || file.in_memory)) {
            continue; // there is none
        }
        for (const unsigned learnt : {0U, 1U, 2U, 3U}) {
            RoutePolicy policy;
            if (learnt == 1) {
                policy.refuse_nowait();
            } else if (learnt == 2) {
                miss(policy);
            }
            for (unsigned i = 0; learnt == 3 && i <= RoutePolicy::watched_at_first; ++i) {
                policy.choose(direct, {}); // so that the next is not watched
            }
            RoutePolicy shortcut = policy;
            const Way way = RoutePolicy::usual_read(file);
            if (way == Way::worker || !shortcut.take_usual(way)) {
                continue;
            }
            ++usual;
            CAPTURE(bits);
            CAPTURE(learnt);
            const RoutePolicy::Choice choice = policy.choose(file, {});
            CHECK(choice.way == way);
            CHECK(choice.watch == SubmitWatch::none);
            CHECK(std::memcmp(&shortcut, &policy, sizeof(RoutePolicy)) == 0);
        }
    }
    CHECK(usual > 50);
}

TEST_CASE("what needs no slot never goes by io_submit, and what needs one does at first") {
    std::size_t compared = 0;
    std::size_t wrong = 0;
    for (const FileTraits& file : all_traits()) {
        for (const Question& question : all_questions()) {
            const bool needs_slot = RoutePolicy::needs_slot(file, question);
            for (const RoutePolicy& known : learnt(file)) {
                RoutePolicy policy = known;
                for (unsigned i = 0; i < 4; ++i) {
                    wrong += !needs_slot && is_submitted(policy.choose(file, question).way);
                    ++compared;
                }
            }
            RoutePolicy fresh;
            wrong += needs_slot && !is_submitted(fresh.choose(file, question).way);
        }
    }
    CHECK(compared == std::size_t{144} * 128 * 5 * 4);
    CHECK(wrong == 0);
}

} // namespace
} // namespace aioxx::test
