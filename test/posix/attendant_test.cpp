// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/attendant.hpp"

#include "posix/fake_duties.hpp"

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::Attendant;
using posix::CriticalSection;
using posix::Request;
using namespace std::chrono_literals;

/// Calls `body` with the lock.
template <typename Body>
auto locked(Body body) {
    const CriticalSection section;
    return body();
}

TEST_CASE("the attendant runs from the first reason until it has idled after the last") {
    FakeDuties duties;
    Attendant attendant{duties, 1ms};
    CHECK(!locked([&] { return attendant.runs(); }));
    locked([&] { attendant.add_reason(); });
    CHECK(locked([&] { return attendant.runs(); }));
    CHECK(eventually([&] { return duties.sleeps.load(); }));
    CHECK(duties.rounds >= 1);
    locked([&] { attendant.remove_reason(); });
    CHECK(ends(attendant));
    locked([&] { attendant.add_reason(); });
    CHECK(locked([&] { return attendant.runs(); }));
    locked([&] { attendant.remove_reason(); });
    CHECK(ends(attendant));
}

TEST_CASE("a reason that comes while the attendant idles keeps it") {
    FakeDuties duties;
    Attendant attendant{duties, 10s};
    locked([&] {
        attendant.add_reason();
        attendant.remove_reason();
    });
    for (int i = 0; i < 10; ++i) {
        const int rounds = duties.rounds;
        locked([&] { attendant.add_reason(); });
        CHECK(eventually([&] { return duties.rounds > rounds; }));
        locked([&] { attendant.remove_reason(); });
        attendant.wake();
    }
    locked([&] { attendant.add_reason(); });
    CHECK(ends_when_over(duties, attendant));
}

TEST_CASE("a request is one reason, however often it is attended and released") {
    FakeDuties duties;
    Attendant attendant{duties, 1ms};
    Request request;
    locked([&] {
        attendant.attend(request, false);
        attendant.attend(request, false);
        attendant.release(request);
        attendant.release(request);
    });
    CHECK(!request.attended);
    attendant.wake();
    CHECK(ends(attendant));
}

TEST_CASE(
    "an attendant that sleeps for longer than it may idle is woken by the last reason's end") {
    FakeDuties duties;
    Attendant attendant{duties, 1ms};
    locked([&] {
        attendant.add_reason();
        attendant.add_reason();
    });
    REQUIRE(eventually([&] { return duties.sleeps.load(); }));
    CHECK(duties.last_limit.load() >= 100ms);
    locked([&] { attendant.remove_reason(); });
    CHECK(duties.wakes == 0);
    locked([&] { attendant.remove_reason(); });
    CHECK(ends(attendant));
}

TEST_CASE("the attendant sleeps longer each time in a row that nothing comes of it") {
    FakeDuties duties;
    Attendant attendant{duties, 1ms};
    locked([&] { attendant.add_reason(); });
    for (const std::chrono::nanoseconds limit : {100ms, 200ms, 400ms}) {
        REQUIRE(eventually([&] { return duties.sleeps && duties.last_limit.load() == limit; }));
        attendant.wake();
    }
    locked([&] { attendant.remove_reason(); });
    attendant.wake();
    CHECK(ends(attendant));
}

/// Ends a sleep of the attendant's, and returns how long it has napped after it.
std::chrono::nanoseconds nap_after_sleep(FakeDuties& duties, Attendant& attendant) {
    REQUIRE(eventually([&] { return duties.sleeps.load(); }));
    const int rounds = duties.rounds;
    duties.last_nap = 0ns;
    attendant.wake();
    REQUIRE(eventually([&] { return duties.rounds > rounds && duties.sleeps; }));
    return duties.last_nap;
}

TEST_CASE("completions are left to a program that looks, for longer each time, until it does not") {
    FakeDuties duties;
    Attendant attendant{duties, 1ms};
    locked([&] { attendant.add_reason(); });
    CHECK(nap_after_sleep(duties, attendant) == 0ns);
    for (const std::chrono::nanoseconds expected : {0us, 50us, 100us, 200us, 400us, 800us}) {
        ++duties.looks;
        CHECK(nap_after_sleep(duties, attendant) == expected);
    }
    ++duties.looks;
    CHECK(nap_after_sleep(duties, attendant) == 1ms);
    CHECK(nap_after_sleep(duties, attendant) == 1ms); // it has not looked since
    CHECK(nap_after_sleep(duties, attendant) == 0ns);
    CHECK(ends_when_over(duties, attendant));
}

TEST_CASE("no completion is left to it while a notice is asked for") {
    FakeDuties duties;
    Attendant attendant{duties, 1ms};
    Request request;
    locked([&] { attendant.add_reason(); });
    for (int i = 0; i < 5; ++i) {
        ++duties.looks;
        nap_after_sleep(duties, attendant);
    }
    locked([&] { attendant.attend(request, true); });
    nap_after_sleep(duties, attendant); // the one that had begun
    ++duties.looks;
    CHECK(nap_after_sleep(duties, attendant) == 0ns);
    locked([&] { attendant.release(request); });
    ++duties.looks;
    nap_after_sleep(duties, attendant);
    ++duties.looks;
    CHECK(nap_after_sleep(duties, attendant) > 0ns);
    CHECK(ends_when_over(duties, attendant));
}

TEST_CASE("the attendant announces its sleep while it has the lock, so that it misses no wake") {
    FakeDuties duties;
    Attendant attendant{duties, 1ms};
    locked([&] { attendant.add_reason(); });
    for (int i = 0; i < 10; ++i) {
        REQUIRE(eventually([&] { return duties.sleeps.load(); }));
        CHECK(duties.announced == 1);
        attendant.wake();
        REQUIRE(eventually([&] { return duties.rounds > i + 1; }));
    }
    locked([&] { attendant.remove_reason(); });
    attendant.wake();
    CHECK(ends(attendant));
    CHECK(duties.announced == 0);
    CHECK(duties.announced_without_lock == 0);
    CHECK_FALSE(duties.slept_unannounced);
}

TEST_CASE("the attendant does not sleep where there is something when it announces that") {
    FakeDuties duties;
    duties.has_something = true;
    Attendant attendant{duties, 1ms};
    locked([&] { attendant.add_reason(); });
    CHECK(eventually([&] { return duties.rounds > 3; }));
    CHECK_FALSE(duties.sleeps);
    duties.over = true;
    CHECK(ends(attendant));
    CHECK(duties.announced == 0);
}

TEST_CASE("the attendant comes back soon where no event will say that there is work") {
    FakeDuties duties;
    duties.must_retry = true;
    Attendant attendant{duties, 1s};
    locked([&] { attendant.add_reason(); });
    CHECK(eventually([&] { return duties.rounds > 10; }));
    CHECK(duties.last_limit.load() == 1ms);
    duties.over = true;
    CHECK(ends(attendant));
}

TEST_CASE("the attendant ends when its duties are over, whatever reasons there are") {
    FakeDuties duties;
    Attendant attendant{duties, 10s};
    locked([&] { attendant.add_reason(); });
    REQUIRE(eventually([&] { return duties.sleeps.load(); }));
    CHECK(ends_when_over(duties, attendant));
}

} // namespace
} // namespace aioxx::test
