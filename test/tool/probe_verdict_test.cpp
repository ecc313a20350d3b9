// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_verdict.hpp"

#include <doctest/doctest.h>

using namespace tool;
using Nowait = AccessReport::Nowait;

namespace {

AccessReport measured(unsigned slept, unsigned at_once) {
    AccessReport report;
    report.access = Access::overwrite;
    report.direct = true;
    report.operations = 100;
    report.submits = 100;
    report.slept = slept;
    report.at_once = at_once;
    return report;
}

AccessReport of(Access access, bool direct, Nowait nowait) {
    AccessReport report = measured(100, 100);
    report.access = access;
    report.direct = direct;
    report.nowait = nowait;
    return report;
}

} // namespace

TEST_CASE("what sleeps in more than half of the submits blocks, complete on return or not") {
    CHECK(verdict_of(measured(100, 100)) == Verdict::blocks);
    CHECK(verdict_of(measured(51, 0)) == Verdict::blocks);
    CHECK(verdict_of(measured(50, 0)) != Verdict::blocks);
}

TEST_CASE("what does not, and is complete on return more often than not, completes at once") {
    CHECK(verdict_of(measured(0, 100)) == Verdict::completes_at_once);
    CHECK(verdict_of(measured(10, 51)) == Verdict::completes_at_once);
    AccessReport buffered = measured(50, 51);
    buffered.direct = false;
    CHECK(verdict_of(buffered) == Verdict::completes_at_once);
    CHECK(verdict_of(measured(0, 50)) == Verdict::asynchronous);
}

TEST_CASE(
    "a direct transfer that is complete on return, and sleeps in more than one in ten, blocks") {
    CHECK(verdict_of(measured(11, 51)) == Verdict::blocks);
    CHECK(verdict_of(measured(11, 50)) == Verdict::mostly_asynchronous);
    CHECK(route_of(measured(11, 51), Storage::device) == QueueRoute::moved_to_workers);
    CHECK(route_of(measured(11, 50), Storage::device) == QueueRoute::moved_at_times);
}

TEST_CASE("a read that is complete on return and refused with NOWAIT blocks, though none sleeps") {
    AccessReport report = measured(0, 100);
    report.access = Access::read;
    report.nowait_tries = 100;
    report.nowait_refusals = 51;
    CHECK(verdict_of(report) == Verdict::blocks);
    report.nowait_refusals = 50;
    CHECK(verdict_of(report) == Verdict::completes_at_once);
    report.nowait_refusals = 100;
    report.access = Access::overwrite;
    CHECK(verdict_of(report) == Verdict::completes_at_once);
    report.access = Access::read;
    report.at_once = 50;
    CHECK(verdict_of(report) == Verdict::asynchronous);
}

TEST_CASE("one submit in ten that sleeps is an accident, more are not") {
    CHECK(verdict_of(measured(0, 0)) == Verdict::asynchronous);
    CHECK(verdict_of(measured(10, 0)) == Verdict::asynchronous);
    CHECK(verdict_of(measured(11, 0)) == Verdict::mostly_asynchronous);
    CHECK(verdict_of(measured(50, 0)) == Verdict::mostly_asynchronous);
}

TEST_CASE("direct transfers are submitted plainly, and moved to workers where that blocks") {
    CHECK(route_of(measured(0, 0), Storage::device) == QueueRoute::plain);
    CHECK(route_of(measured(0, 100), Storage::device) == QueueRoute::plain);
    CHECK(route_of(measured(20, 0), Storage::device) == QueueRoute::moved_at_times);
    CHECK(route_of(measured(100, 100), Storage::device) == QueueRoute::moved_to_workers);
}

TEST_CASE(
    "buffered transfers are tried with NOWAIT where it is taken, and go to workers elsewhere") {
    for (const Access access :
         {Access::read, Access::cached_read, Access::overwrite, Access::append, Access::fill}) {
        CHECK(route_of(of(access, false, Nowait::taken), Storage::device) ==
              QueueRoute::nowait_first);
        CHECK(route_of(of(access, false, Nowait::not_taken), Storage::device) ==
              QueueRoute::worker);
    }
}

TEST_CASE("a worker flushes, and what is in memory is called at once") {
    CHECK(route_of(of(Access::fsync, true, Nowait::not_applicable), Storage::device) ==
          QueueRoute::worker);
    CHECK(route_of(of(Access::fsync, false, Nowait::not_applicable), Storage::memory) ==
          QueueRoute::worker);
    CHECK(route_of(of(Access::append, true, Nowait::not_taken), Storage::memory) ==
          QueueRoute::call);
    CHECK(route_of(of(Access::read, false, Nowait::not_taken), Storage::memory) ==
          QueueRoute::call);
}

TEST_CASE("on FUSE workers make all, however the submits went") {
    CHECK(route_of(measured(0, 0), Storage::fuse) == QueueRoute::worker);
    CHECK(route_of(measured(100, 100), Storage::fuse) == QueueRoute::worker);
    CHECK(route_of(of(Access::cached_read, false, Nowait::taken), Storage::fuse) ==
          QueueRoute::worker);
}
