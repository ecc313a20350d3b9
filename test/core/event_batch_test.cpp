// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "run_one.hpp"

#include <array>
#include <iterator>
#include <ranges>
#include <type_traits>

#include <poll.h>

using namespace aioxx::test;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;

namespace {

static_assert(std::ranges::contiguous_range<const EventBatch>);
static_assert(std::ranges::sized_range<const EventBatch>);
static_assert(!std::is_copy_constructible_v<EventBatch>);

struct Filled {
    Filled() {
        for (Iocb& iocb : iocbs) {
            iocb.prepare_poll(pipe.writer, POLLOUT);
            context.submit(iocb);
        }
        context.wait(events, 2);
    }

    Pipe pipe;
    std::array<Iocb, 2> iocbs;
    Context context{2};
    EventBatch events{4};
};

TEST_CASE("a new batch has room and is empty") {
    const EventBatch events{3};
    CHECK(events.capacity() == 3);
    CHECK(events.size() == 0);
    CHECK(events.empty());
    CHECK(events.begin() == events.end());
}

TEST_CASE("a batch is a range of what the last call took") {
    Filled f;
    REQUIRE(f.events.size() == 2);
    CHECK(!f.events.empty());
    CHECK(f.events.capacity() == 4);
    CHECK(f.events.end() - f.events.begin() == 2);
    CHECK(f.events.data() == f.events.begin());
    CHECK(&f.events[1] == f.events.begin() + 1);
    CHECK(&f.events[0].iocb() == &f.iocbs[0]);
    CHECK(&f.events[1].iocb() == &f.iocbs[1]);
}

TEST_CASE("each call replaces what the batch held") {
    Filled f;
    CHECK(f.context.wait_for(f.events, 0, {}) == 0);
    CHECK(f.events.empty());
    f.iocbs[1].prepare_poll(f.pipe.writer, POLLOUT);
    f.context.submit(f.iocbs[1]);
    CHECK(f.context.wait(f.events, 1) == 1);
    CHECK(f.events.size() == 1);
    CHECK(&f.events[0].iocb() == &f.iocbs[1]);
}

TEST_CASE("a cleared batch keeps its room") {
    Filled f;
    f.events.clear();
    CHECK(f.events.empty());
    CHECK(f.events.capacity() == 4);
}

TEST_CASE("a moved batch takes its events along, and leaves one without room") {
    Filled f;
    const Event* const first = f.events.data();
    EventBatch moved{std::move(f.events)};
    CHECK(moved.size() == 2);
    CHECK(moved.capacity() == 4);
    CHECK(moved.data() == first);
    CHECK(f.events.empty());
    CHECK(f.events.capacity() == 0);
    CHECK(f.events.begin() == f.events.end());
    EventBatch assigned{9};
    assigned = std::move(moved);
    CHECK(assigned.size() == 2);
    CHECK(assigned.capacity() == 4);
    CHECK(assigned.data() == first);
    CHECK(moved.empty());
    CHECK(moved.capacity() == 0);
}

TEST_CASE("assigning a batch to itself keeps it") {
    Filled f;
    EventBatch& same = f.events;
    f.events = std::move(same);
    CHECK(f.events.size() == 2);
    CHECK(f.events.capacity() == 4);
    CHECK(&f.events[0].iocb() == &f.iocbs[0]);
}

TEST_CASE("a moved-from batch reaps nothing") {
    Filled f;
    const EventBatch moved{std::move(f.events)};
    f.iocbs[0].prepare_poll(f.pipe.writer, POLLOUT);
    f.context.submit(f.iocbs[0]);
    CHECK(f.context.reap(f.events) == 0);
    CHECK(f.context.wait(f.events, 0) == 0);
    std::error_code error;
    CHECK(f.context.wait(f.events, 1, error) == 0);
    CHECK(error == std::errc::invalid_argument);
    EventBatch other{1};
    CHECK(f.context.wait(other, 1) == 1);
}

TEST_CASE("one batch serves several contexts in turn") {
    Filled f;
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.writer, POLLOUT);
    Context other{1};
    other.submit(iocb);
    CHECK(other.wait(f.events, 1) == 1);
    CHECK(&f.events[0].iocb() == &iocb);
}

} // namespace
