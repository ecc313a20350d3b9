// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What -Dchecks=enabled catches, and what it must let pass. Without checks the second half runs
// just the same, and the misuse of the first half goes through.
#include "child.hpp"
#include "core/in_flight.hpp"
#include "run_one.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include <poll.h>

using namespace aioxx::test;
using aioxx::CancelResult;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;
namespace in_flight = aioxx::in_flight;

namespace {

struct Poll {
    Poll() {
        iocb.emplace();
        iocb->prepare_poll(pipe.reader, POLLIN);
    }

    Pipe pipe;
    std::optional<Iocb> iocb;
    Context context{4};
};

/// Runs misuse in a child. With checks it ends the child, with a line that says how; without, the
/// child goes on.
template <typename Misuse>
void check_caught(const char* doing, Misuse misuse) {
    const ChildEnd end = run_in_child([&] {
        misuse();
        return 0;
    });
    CAPTURE(end.errors);
    if constexpr (in_flight::checked) {
        CHECK(end.signal == SIGABRT);
        CHECK(end.errors.find("libaioxx: misuse: ") != std::string::npos);
        CHECK(end.errors.find(doing) != std::string::npos);
    } else {
        CHECK(end.signal == 0);
        CHECK(end.status == 0);
        CHECK(end.errors.empty());
    }
}

TEST_CASE("with checks, destroying an iocb in flight ends the program") {
    check_caught("destroying", [] {
        Poll poll;
        poll.context.submit(*poll.iocb);
        poll.iocb.reset();
        poll.context.close();
    });
}

TEST_CASE("with checks, preparing an iocb in flight ends the program") {
    check_caught("preparing", [] {
        Poll poll;
        poll.context.submit(*poll.iocb);
        poll.iocb->prepare_poll(poll.pipe.reader, POLLIN);
        poll.context.close();
    });
}

TEST_CASE("with checks, every way to prepare is looked at") {
    using Prepare = void (*)(Iocb&);
    const Prepare prepares[] = {
        [](Iocb& iocb) { iocb.prepare_read(0, {}, 0); },
        [](Iocb& iocb) { iocb.prepare_write(0, {}, 0); },
        [](Iocb& iocb) { iocb.prepare_readv(0, {}, 0); },
        [](Iocb& iocb) { iocb.prepare_writev(0, {}, 0); },
        [](Iocb& iocb) { iocb.prepare_fsync(0); },
        [](Iocb& iocb) { iocb.prepare_fdatasync(0); },
        [](Iocb& iocb) { iocb.prepare_poll(0, 0); },
    };
    for (const Prepare prepare : prepares) {
        check_caught("preparing", [prepare] {
            Poll poll;
            poll.context.submit(*poll.iocb);
            prepare(*poll.iocb);
            poll.context.close();
        });
    }
}

TEST_CASE("with checks, submitting an iocb in flight again ends the program") {
    check_caught("submitting", [] {
        Poll poll;
        poll.context.submit(*poll.iocb);
        poll.context.submit(*poll.iocb);
        poll.context.close();
    });
}

TEST_CASE("with checks, submitting an iocb to a second context ends the program") {
    check_caught("submitting", [] {
        Poll poll;
        Context other{1};
        poll.context.submit(*poll.iocb);
        other.submit(*poll.iocb);
        other.close();
        poll.context.close();
    });
}

TEST_CASE("with checks, the same iocb twice in one submit ends the program") {
    check_caught("submitting", [] {
        Poll poll;
        const std::array<Iocb*, 2> twice{&*poll.iocb, &*poll.iocb};
        poll.context.submit(twice);
        poll.context.close();
    });
}

TEST_CASE("with checks, an iocb that has completed is in flight until its event is reaped") {
    check_caught("destroying", [] {
        Poll poll;
        poll.context.submit(*poll.iocb);
        poll.pipe.fill("x");
        poll.iocb.reset();
        poll.context.close();
    });
}

TEST_CASE("with checks, a cancelled poll is in flight until its event is reaped") {
    check_caught("preparing", [] {
        Poll poll;
        poll.context.submit(*poll.iocb);
        poll.context.cancel(*poll.iocb);
        poll.iocb->prepare_poll(poll.pipe.reader, POLLIN);
        poll.context.close();
    });
}

TEST_CASE("with checks, an iocb that outlives its context's object is no longer in flight") {
    Poll poll;
    poll.context.submit(*poll.iocb);
    poll.context.close();
    poll.iocb->prepare_poll(poll.pipe.reader, POLLIN);
    Context other{1};
    other.submit(*poll.iocb);
    CHECK(other.cancel(*poll.iocb) == CancelResult::requested);
    CHECK(next_event(other).poll_was_cancelled());
    poll.iocb.reset();
}

TEST_CASE("with checks, closing one context leaves the iocbs of another in flight") {
    check_caught("destroying", [] {
        Poll poll;
        Context other{1};
        poll.context.submit(*poll.iocb);
        other.close();
        poll.iocb.reset();
        poll.context.close();
    });
}

TEST_CASE("an iocb is free once its event was waited for or reaped") {
    Poll poll;
    EventBatch events{1};
    for (int i = 0; i < 3; ++i) {
        poll.iocb->prepare_poll(poll.pipe.writer, POLLOUT);
        poll.context.submit(*poll.iocb);
        CHECK(poll.context.wait(events, 1) == 1);
        poll.iocb->prepare_poll(poll.pipe.writer, POLLOUT);
        poll.context.submit(*poll.iocb);
        CHECK(poll.context.reap(events) == 1);
    }
    poll.iocb.reset();
}

TEST_CASE("an iocb that was refused is free") {
    Poll poll;
    std::array<Iocb, 3> iocbs;
    iocbs[0].prepare_poll(poll.pipe.reader, POLLIN);
    iocbs[1].prepare_poll(closed_descriptor(), POLLIN);
    iocbs[2].prepare_poll(poll.pipe.reader, POLLIN);
    const std::array<Iocb*, 3> all{&iocbs[0], &iocbs[1], &iocbs[2]};
    CHECK(poll.context.submit(all) == 1);
    iocbs[1].prepare_poll(poll.pipe.reader, POLLIN);
    iocbs[2].prepare_poll(poll.pipe.reader, POLLIN);
    CHECK(poll.context.submit(std::span{all}.subspan(1)) == 2);
    std::error_code error;
    Iocb refused;
    refused.prepare_poll(closed_descriptor(), POLLIN);
    poll.context.submit(refused, error);
    CHECK(error.value() == EBADF);
    poll.context.close();
}

TEST_CASE("a moved context still gives its iocbs back") {
    Poll poll;
    poll.context.submit(*poll.iocb);
    Context moved{std::move(poll.context)};
    poll.pipe.fill("x");
    CHECK(next_event(moved).result() > 0);
    poll.iocb.reset();
    poll.iocb.emplace();
    poll.iocb->prepare_poll(poll.pipe.reader, POLLIN);
    moved.submit(*poll.iocb);
    Context assigned{1};
    moved = std::move(assigned); // closes
    poll.iocb.reset();
}

TEST_CASE("in a forked child nothing is in flight: it destroys its copies as it likes") {
    Poll poll;
    poll.context.submit(*poll.iocb);
    const ChildEnd end = run_in_child([&] {
        poll.iocb->prepare_poll(poll.pipe.reader, POLLIN);
        poll.iocb.reset();
        Iocb own;
        Context context{1};
        own.prepare_poll(poll.pipe.writer, POLLOUT);
        return run_one(context, own).result() > 0 ? 0 : 1;
    });
    CAPTURE(end.errors);
    CHECK(end.status == 0);
    poll.pipe.fill("x");
    CHECK(&next_event(poll.context).iocb() == &*poll.iocb);
}

} // namespace
