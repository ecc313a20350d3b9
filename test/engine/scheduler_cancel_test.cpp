// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What is cancelled, and what happens when the number of a file expires.

#include "scheduler_one_file.hpp"

#include <cerrno>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Way;

TEST_CASE("a transfer that waits on a stream is cancelled, and those behind it keep their places") {
    OneFile on{stream};
    Operation& first = on.start(0, Kind::read);
    Operation& second = on.start(1, Kind::read);
    Operation& third = on.start(2, Kind::read);
    CHECK(on.scheduler.cancel(second) == Scheduler::Recall::none);
    CHECK(on.take() == &second);
    CHECK(second.result == -ECANCELED);
    CHECK(on.take() == nullptr);

    CHECK(on.scheduler.cancel(first) == Scheduler::Recall::none);
    CHECK(on.take() == &first);
    CHECK(&next_of(on.scheduler.to_call) == &third);
}

TEST_CASE("an append that waits is cancelled, and those behind it keep their places") {
    OneFile on{log};
    Operation& first = on.start(0, Kind::write);
    Operation& second = on.start(1, Kind::write);
    Operation& third = on.start(2, Kind::write);
    CHECK(on.scheduler.cancel(second) == Scheduler::Recall::none);
    CHECK(on.take() == &second);
    CHECK(on.take() == nullptr);

    on.scheduler.given_to_worker(next_of(on.scheduler.to_run));
    on.scheduler.result(first, 4, 0);
    CHECK(on.take() == &first);
    CHECK(&next_of(on.scheduler.to_run) == &third);
}

TEST_CASE("the end of a file is not looked for under a number that has expired") {
    OneFile on{cached};
    Operation& read = on.start(0, Kind::read);
    CHECK(&next_of(on.scheduler.to_call) == &read);
    on.scheduler.result(read, 1, 0); // of 4: the page after it is not cached, or the file ends
    CHECK(read.state() == State::to_probe);
    on.scheduler.expire(on.file);
    CHECK(on.scheduler.to_probe.empty());
    CHECK(&next_of(on.scheduler.to_run) == &read);
    CHECK(read.done == 1);
}

TEST_CASE("what was to be called at once goes to a worker when its number expires") {
    OneFile on{cached};
    Operation& read = on.start(0, Kind::read);
    CHECK(on.scheduler.to_call.size() == 1);
    on.scheduler.expire(on.file);
    CHECK(on.scheduler.to_call.empty());
    CHECK(&next_of(on.scheduler.to_run) == &read);
    CHECK(read.way == Way::worker);

    OneFile waiting{stream};
    Operation& attempt = waiting.start(0, Kind::read);
    waiting.scheduler.expire(waiting.file);
    CHECK(&next_of(waiting.scheduler.to_run) == &attempt);
    CHECK(attempt.way == Way::worker_nowait);
}

TEST_CASE("what goes to a worker as its number expires is in turn where its way is") {
    OneFile untried{cached};
    untried.file.policy(std::size_t{1}).refuse_nowait();
    Operation& overwrite = untried.start(0, Kind::write);
    CHECK(overwrite.in_turn);
    CHECK(untried.scheduler.submit_instead(next_of(untried.scheduler.to_run)));
    untried.scheduler.expire(untried.file);
    CHECK(&next_of(untried.scheduler.to_run) == &overwrite);
    CHECK(overwrite.way == Way::worker_submit);
    CHECK_FALSE(overwrite.in_turn);

    OneFile on{cached};
    Operation& write = on.start(0, Kind::write);
    CHECK(write.way == Way::call_nowait);
    on.scheduler.expire(on.file);
    CHECK(&next_of(on.scheduler.to_run) == &write);
    CHECK(write.way == Way::worker);
    CHECK(write.in_turn);
}

TEST_CASE("what was to be called at once is cancelled, and the others are called") {
    OneFile on{cached};
    Operation& first = on.start(0, Kind::read);
    Operation& second = on.start(1, Kind::read);
    CHECK(on.scheduler.cancel(first) == Scheduler::Recall::none);
    CHECK(on.take() == &first);
    CHECK(first.result == -ECANCELED);
    CHECK(&next_of(on.scheduler.to_call) == &second);
    CHECK(on.scheduler.to_call.empty());
}

TEST_CASE("the operations on other files stay where they are when a number expires") {
    OneFile on{cached};
    Operation& probed = on.start(0, Kind::read);
    CHECK(&next_of(on.scheduler.to_call) == &probed);
    on.scheduler.result(probed, 1, 0);
    Operation& called = on.start(1, Kind::write);
    PlainRecord other{cached};
    on.scheduler.expire(other);
    CHECK(&next_of(on.scheduler.to_probe) == &probed);
    CHECK(&next_of(on.scheduler.to_call) == &called);
    CHECK(on.scheduler.to_run.empty());
}

TEST_CASE("a try that is refused after a cancel was asked for keeps what was written before") {
    OneFile on{direct, 8, {.nowait_always = true}};
    Operation& write = on.start(0, Kind::write);
    write.request.exact = true;
    for (const std::int64_t result : {1, -EAGAIN}) {
        on.scheduler.submitted(next_of(on.scheduler.to_submit), false, false);
        CHECK(on.scheduler.cancel(write) == Scheduler::Recall::kernel);
        if (result < 0) {
            write.cancel_requested = true;
            write.request.exact = false;
        } else {
            write.file->policy(write).try_passed();
        }
        on.scheduler.result(write, result, 0);
        if (result > 0 && on.scheduler.to_submit.empty()) { // the rest is a worker's first
            on.scheduler.given_to_worker(next_of(on.scheduler.to_run));
            on.scheduler.result(write, -EINTR, 0); // and tried again
        }
    }
    CHECK(on.take() == &write);
    CHECK(write.result == 1);
}

TEST_CASE("the answer of a USB endpoint that was asked to cancel is ECANCELED, and no other's is") {
    for (const bool cancelled : {true, false}) {
        OneFile on{direct};
        Operation& read = on.start(0, Kind::read);
        on.scheduler.submitted(next_of(on.scheduler.to_submit), false, false);
        CHECK(on.scheduler.cancel(read) == Scheduler::Recall::kernel);
        read.cancel_requested = cancelled;
        on.scheduler.result(read, -ECONNRESET, 0);
        CHECK(on.take() == &read);
        CHECK(read.result == (cancelled ? -ECANCELED : -ECONNRESET));
    }
}

TEST_CASE("a poll of Readiness's own goes to a worker when the number of its file expires") {
    OneFile on{stream};
    Operation poll;
    poll.request.kind = Kind::poll;
    poll.internal = true;
    poll.file = &on.file;
    poll.move_to(State::to_submit);
    on.scheduler.to_submit.push_back(poll);
    Operation of_the_engine; // on a descriptor of its own
    of_the_engine.request.kind = Kind::poll;
    of_the_engine.internal = true;
    of_the_engine.move_to(State::to_submit);
    on.scheduler.to_submit.push_back(of_the_engine);
    on.scheduler.expire(on.file);
    CHECK(&next_of(on.scheduler.to_run) == &poll);
    CHECK(poll.way == Way::worker_submit);
    CHECK(&next_of(on.scheduler.to_submit) == &of_the_engine);
}

} // namespace
} // namespace aioxx::test
