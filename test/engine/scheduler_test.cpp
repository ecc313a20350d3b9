// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Ways and results. Every order of events is in scheduler_states_test.cpp.

#include "scheduler_one_file.hpp"

#include <cerrno>
#include <cstdint>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::SubmitWatch;
using engine::Way;

TEST_CASE(
    "the first direct writes are watched alone, and those after two that slept go to workers") {
    OneFile on{direct};
    for (std::size_t place = 0; place < 2; ++place) {
        Operation& write = on.start(place, Kind::write);
        CHECK(&next_of(on.scheduler.to_submit) == &write);
        CHECK(write.watch == SubmitWatch::alone);
        on.scheduler.submitted(write, true, true);
        CHECK(write.watch == SubmitWatch::none);
    }
    Operation& third = on.start(2, Kind::write);
    CHECK(&next_of(on.scheduler.to_run) == &third);
    CHECK(third.way == Way::worker_submit);
    CHECK(third.watch == SubmitWatch::none);
    CHECK(on.scheduler.submit_instead(third));
    CHECK(&next_of(on.scheduler.to_submit) == &third);
    CHECK(third.way == Way::submit);

    Operation& read = on.start(3, Kind::read); // of which nothing was learnt
    CHECK(&next_of(on.scheduler.to_submit) == &read);
}

TEST_CASE("workers make writes into the page cache in turn, and none that reach the disk") {
    struct Row {
        FileTraits file;
        RwFlags flags;
        Kind kind;
        bool in_turn;
    };
    for (const Row& row : {
             Row{cached, RwFlags::none, Kind::write, true},
             Row{cached, RwFlags::none, Kind::read, false},
             Row{cached, RwFlags::dsync, Kind::write, false},
             Row{cached, RwFlags::sync, Kind::writev, false},
             Row{synchronous, RwFlags::none, Kind::write, false},
             Row{log, RwFlags::none, Kind::write, true},
             Row{{.regular = true, .direct = true, .append = true},
                 RwFlags::none,
                 Kind::write,
                 false},
             Row{device, RwFlags::none, Kind::write, false},
         }) {
        CAPTURE(static_cast<unsigned>(row.flags));
        CAPTURE(static_cast<int>(row.kind));
        OneFile on{row.file};
        on.file.policy(std::size_t{0}).refuse_nowait();
        on.file.policy(std::size_t{1}).refuse_nowait();
        on.operations[0].request.flags = row.flags;
        Operation& operation = on.start(0, row.kind);
        CHECK(&next_of(on.scheduler.to_run) == &operation);
        CHECK(operation.in_turn == row.in_turn);
    }
}

TEST_CASE("where io_submit is refused and there are no slots any more, workers go on") {
    OneFile on{direct, 2};
    Operation& first = on.start(0, Kind::write);
    on.start(1, Kind::write);
    Operation& third = on.start(2, Kind::write);
    CHECK(third.state() == State::backlog);
    on.scheduler.set_slots(0);
    CHECK(&next_of(on.scheduler.to_run) == &third);
    CHECK(third.way == Way::worker);
    on.scheduler.refused(next_of(on.scheduler.to_submit), ENOSYS);
    CHECK(&next_of(on.scheduler.to_run) == &first);
    CHECK(first.way == Way::worker);
    CHECK_FALSE(first.has_slot());
}

TEST_CASE("without workers a call is submitted instead, where a slot is free") {
    OneFile on{{.regular = true, .append = true, .synchronous = true}, 1};
    Operation& append = on.start(0, Kind::write);
    CHECK(on.scheduler.submit_instead(next_of(on.scheduler.to_run)));
    CHECK(&next_of(on.scheduler.to_submit) == &append);
    CHECK(append.has_slot());
    CHECK(append.way == Way::submit);

    OneFile in_turn{log};
    in_turn.start(0, Kind::write); // made to its end before the next
    CHECK_FALSE(in_turn.scheduler.submit_instead(next_of(in_turn.scheduler.to_run)));

    OneFile full{cached, 1};
    full.file.policy(std::size_t{0}).refuse_nowait();
    full.file.policy(std::size_t{1}).refuse_nowait();
    full.start(0, Kind::read);
    CHECK(full.scheduler.submit_instead(next_of(full.scheduler.to_run))); // has the slot
    full.start(1, Kind::write);
    CHECK_FALSE(full.scheduler.submit_instead(next_of(full.scheduler.to_run)));
    CHECK(full.scheduler.to_submit.size() == 1);
}

TEST_CASE("the engine's thread copies 256 KiB of an operation at most, and 1 MiB in a pass") {
    static_assert(Scheduler::most_for_call == 256 * 1024);
    static_assert(Scheduler::most_for_pass == 1024 * 1024);
    for (const FileTraits& file : {cached, in_memory}) {
        OneFile on{file};
        const auto is_called = [&](std::size_t length) {
            Operation& read = on.start(0, Kind::read, length);
            OperationList& list =
                on.scheduler.to_call.empty() ? on.scheduler.to_run : on.scheduler.to_call;
            const bool called = &list == &on.scheduler.to_call;
            CHECK(on.scheduler.cancel(read) == Scheduler::Recall::none);
            CHECK(on.take() == &read);
            return called;
        };
        CHECK_FALSE(is_called(Scheduler::most_for_call + 1));
        for (int i = 0; i < 3; ++i) {
            CHECK(is_called(Scheduler::most_for_call));
        }
        CHECK(is_called(Scheduler::most_for_call - 1));
        CHECK_FALSE(is_called(2));
        CHECK(is_called(1));
        CHECK_FALSE(is_called(1));
        on.scheduler.begin_pass();
        CHECK(is_called(Scheduler::most_for_call));
    }
    OneFile on{stream};
    on.start(0, Kind::read, 8 * Scheduler::most_for_pass);
    CHECK(on.scheduler.to_call.size() == 1);
}

TEST_CASE("what is on a server leaves the last quarter of what is copied in a pass") {
    static_assert(Scheduler::most_for_pass == 4 * Scheduler::most_for_call);
    OneFile on{FileTraits{.regular = true, .on_server = true}};
    PlainRecord disk{cached};
    for (std::size_t i = 0; i < 3; ++i) {
        on.start(i, Kind::read, Scheduler::most_for_call);
    }
    CHECK(on.scheduler.to_call.size() == 3);
    Operation& fourth = on.start(3, Kind::read, 1);
    CHECK(on.scheduler.to_run.size() == 1);
    CHECK(on.scheduler.cancel(fourth) == Scheduler::Recall::none);
    CHECK(on.take() == &fourth);
    fourth.request.length = Scheduler::most_for_call;
    fourth.file = &disk;
    on.scheduler.start(fourth);
    CHECK(on.scheduler.to_call.size() == 4);
}

TEST_CASE("of the slots a server leaves a quarter, and workers make what it has no slot for") {
    OneFile on{FileTraits{.regular = true, .direct = true, .on_server = true}, 3};
    PlainRecord disk{direct};
    for (std::size_t i = 0; i < 3; ++i) {
        on.start(i, Kind::read);
    }
    CHECK(on.scheduler.to_submit.size() == 2);
    CHECK(on.scheduler.to_run.size() == 1);
    CHECK(on.operations[2].way == Way::worker);
    on.operations[3].request = on.operations[0].request;
    on.operations[3].file = &disk;
    on.scheduler.start(on.operations[3]);
    CHECK(on.scheduler.to_submit.size() == 3);
    CHECK(on.scheduler.slots().used() == 3);
}

TEST_CASE("while a silent disk holds the last slots, workers make what finds none, of others") {
    OneFile on{direct, 2};
    PlainRecord other{direct};
    Operation& first = on.start(0, Kind::read);
    on.start(1, Kind::read);
    for (std::size_t place = 2; place < 4; ++place) {
        on.operations[place].request = first.request;
        on.operations[place].file = &other;
    }
    Operation& waiting = on.operations[2];
    on.scheduler.start(waiting);
    CHECK(waiting.state() == State::backlog);
    on.scheduler.set_slow(on.file.holder, true);
    CHECK(&next_of(on.scheduler.to_run) == &waiting);
    Operation& next = on.operations[3];
    on.scheduler.start(next);
    CHECK(next.state() == State::to_run);
    CHECK(next.way == Way::worker);

    for (Operation* const each : {&first, &on.operations[1]}) {
        on.scheduler.to_submit.remove(*each);
        on.scheduler.submitted(*each, false, false);
    }
    on.scheduler.result(first, 4, 0);
    on.scheduler.set_slow(on.file.holder, false);
    CHECK(on.take() == &first);
    Operation& again = on.start(0, Kind::read);
    CHECK(&next_of(on.scheduler.to_submit) == &again);
}

/// Reads 4 bytes by a try that comes back with `result`, and by a worker what remains.
void read_by_try(OneFile& on, std::int64_t result) {
    Operation& read = on.start(0, Kind::read);
    CHECK(&next_of(on.scheduler.to_call) == &read);
    on.scheduler.result(read, result, 0);
    if (result < 4) {
        on.scheduler.given_to_worker(next_of(on.scheduler.to_run));
        on.scheduler.result(read, result < 0 ? 4 : 4 - result, 0);
    }
    CHECK(on.take() == &read);
    CHECK(read.result == 4);
}

TEST_CASE("a try that passes starts the count of misses anew, whether it is short or not") {
    for (const std::int64_t bytes : {4, 1}) {
        CAPTURE(bytes);
        OneFile on{device};
        for (int miss = 0; miss < 3; ++miss) {
            read_by_try(on, -EAGAIN);
        }
        read_by_try(on, bytes);
        read_by_try(on, -EAGAIN); // would be the fourth
        CHECK(on.statistics.nowait_tries == 5);
        CHECK(on.statistics.nowait_refused == 4);
        Operation& next = on.start(1, Kind::read);
        CHECK(&next_of(on.scheduler.to_call) == &next);
        CHECK(on.statistics.nowait_tries == 6);
    }
}

TEST_CASE("what workers read after four misses does not count as a try that has passed") {
    OneFile on{device};
    for (int miss = 0; miss < 4; ++miss) {
        read_by_try(on, -EAGAIN);
    }
    for (const std::int64_t bytes : {4, 1, 4}) { // with the fourth miss itself, those left out
        Operation& read = on.start(0, Kind::read);
        on.scheduler.given_to_worker(next_of(on.scheduler.to_run));
        on.scheduler.result(read, bytes, 0);
        CHECK(on.take() == &read);
        CHECK(read.result == bytes);
    }
    read_by_try(on, -EAGAIN); // the fifth, and itself one of eight
    Operation& next = on.start(0, Kind::read);
    CHECK(&next_of(on.scheduler.to_run) == &next);
}

TEST_CASE("an exact transfer goes on by a try, wherever its last part was made") {
    OneFile on{device};
    on.operations[0].request.exact = true;
    Operation& read = on.start(0, Kind::read);
    CHECK(&next_of(on.scheduler.to_call) == &read);
    on.scheduler.result(read, -EAGAIN, 0);
    on.scheduler.given_to_worker(next_of(on.scheduler.to_run));
    on.scheduler.result(read, 1, 0);
    CHECK(&next_of(on.scheduler.to_call) == &read);
    CHECK(read.way == Way::call_nowait);
}

TEST_CASE("an exact direct write that is short twice at one place fails, and a read is short") {
    for (const Kind kind : {Kind::write, Kind::read}) {
        OneFile on{{.direct = true, .alignment = 2}};
        on.operations[0].request.exact = true;
        Operation& operation = on.start(0, kind);
        on.scheduler.submitted(next_of(on.scheduler.to_submit), true, false);
        on.scheduler.result(operation, 3, 0); // and once more from 2 on
        on.scheduler.submitted(next_of(on.scheduler.to_submit), true, false);
        on.scheduler.result(operation, 1, 0);
        CHECK(on.take() == &operation);
        CHECK(operation.result == (kind == Kind::write ? -EIO : 3));
    }
}

TEST_CASE("the end of a file that a probe finds is told where all was asked for") {
    for (const bool exact : {false, true}) {
        OneFile on{cached};
        on.operations[0].request.exact = exact;
        Operation& read = on.start(0, Kind::read);
        CHECK(&next_of(on.scheduler.to_call) == &read);
        on.scheduler.result(read, 1, 0);
        on.scheduler.probed(next_of(on.scheduler.to_probe), true);
        CHECK(on.take() == &read);
        CHECK(read.result == 1);
        CHECK(read.end_of_file == exact);
    }
}

TEST_CASE("an end that only a try has seen is one where the file says so as well") {
    for (const bool at_end : {true, false}) {
        CAPTURE(at_end);
        OneFile on{cached};
        Operation& read = on.start(0, Kind::read);
        on.scheduler.result(next_of(on.scheduler.to_call), 0, 0);
        on.scheduler.probed(next_of(on.scheduler.to_probe), at_end);
        if (!at_end) {
            CHECK(&next_of(on.scheduler.to_run) == &read);
            CHECK(read.way == Way::worker);
            CHECK_FALSE(read.end_of_file);
            on.scheduler.given_to_worker(read);
            on.scheduler.result(read, 0, 0); // a call that waits is believed
        }
        CHECK(on.take() == &read);
        CHECK(read.result == 0);
        CHECK(read.end_of_file);
    }
}

TEST_CASE("an end of a device that only a try has seen is looked for by a call that waits") {
    OneFile on{device};
    Operation& read = on.start(0, Kind::read);
    on.scheduler.result(next_of(on.scheduler.to_call), 0, 0);
    CHECK(&next_of(on.scheduler.to_run) == &read);
    CHECK(read.way == Way::worker);
}

TEST_CASE(
    "where a stream cannot be watched a worker waits, and no try follows on another for ever") {
    OneFile on{stream};
    on.file.nonblocking = true; // opened anew
    Operation& read = on.start(0, Kind::read);
    on.scheduler.result(next_of(on.scheduler.to_call), -EAGAIN, 0);
    next_of(on.scheduler.to_watch).move_to(State::watched); // as Readiness does
    on.scheduler.unwatchable(read, EMFILE);
    CHECK(&next_of(on.scheduler.to_run) == &read);
    CHECK(read.way == Way::worker);
}

TEST_CASE("a stream with O_NONBLOCK that cannot be watched is told why") {
    OneFile on{{.stream = true, .nonblocking = true}};
    on.file.nonblocking = true;
    Operation& read = on.start(0, Kind::read);
    on.scheduler.result(next_of(on.scheduler.to_call), -EAGAIN, 0);
    next_of(on.scheduler.to_watch).move_to(State::watched);
    on.scheduler.unwatchable(read, EMFILE);
    CHECK(on.take() == &read);
    CHECK(read.result == -EMFILE);
}

TEST_CASE("the second result is told, and the end of a file") {
    OneFile on{direct};
    Operation& read = on.start(0, Kind::read);
    on.scheduler.submitted(next_of(on.scheduler.to_submit), true, false);
    on.scheduler.result(read, 0, 7);
    CHECK(on.take() == &read);
    CHECK(read.result == 0);
    CHECK(read.result2 == 7);
    CHECK(read.end_of_file);
    Operation& write = on.start(1, Kind::write);
    on.scheduler.submitted(next_of(on.scheduler.to_submit), true, false);
    on.scheduler.result(write, 0, 0);
    CHECK(on.take() == &write);
    CHECK_FALSE(write.end_of_file);
}

TEST_CASE("a transfer on a stream that is known to be impossible is not tried") {
    OneFile on{stream};
    on.file.impossible = {EBADF, 0};
    Operation& read = on.start(0, Kind::read);
    CHECK(on.take() == &read);
    CHECK(read.result == -EBADF);
    Operation& write = on.start(1, Kind::write);
    CHECK(&next_of(on.scheduler.to_call) == &write);
}

} // namespace
} // namespace aioxx::test
