// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "run_one.hpp"

#include <array>
#include <cerrno>

#include <poll.h>

using namespace aioxx::test;
using aioxx::CancelResult;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;

namespace {

TEST_CASE("a cancelled poll still gives its event, with the result 0") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, POLLIN);
    iocb.set_data(std::uint64_t{5});
    Context context{1};
    context.submit(iocb);
    EventBatch events{1};
    CHECK(context.wait_for(events, 0, {}) == 0);
    CHECK(context.cancel(iocb) == CancelResult::requested);
    const Event event = next_event(context);
    CHECK(&event.iocb() == &iocb);
    CHECK(event.data() == 5);
    CHECK(event.result() == 0);
    CHECK(event.poll_was_cancelled());
    CHECK(!event.error());
}

TEST_CASE("a ready poll is told from a cancelled one") {
    const Pipe pipe;
    Iocb iocb;
    Context context{1};
    for (const short wanted : {short{POLLOUT}, short{0}, short{POLLIN}}) {
        Pipe hung_up;
        hung_up.reader.close(); // error on the writer, which is reported unasked
        iocb.prepare_poll(hung_up.writer, static_cast<std::uint32_t>(wanted));
        const Event event = run_one(context, iocb);
        CHECK((event.result() & POLLERR) != 0);
        CHECK(!event.poll_was_cancelled());
    }
}

TEST_CASE("only one of several polls is cancelled") {
    const Pipe pipe;
    std::array<Iocb, 3> iocbs;
    Context context{3};
    for (Iocb& iocb : iocbs) {
        iocb.prepare_poll(pipe.reader, POLLIN);
        context.submit(iocb);
    }
    CHECK(context.cancel(iocbs[1]) == CancelResult::requested);
    const Event event = next_event(context);
    CHECK(&event.iocb() == &iocbs[1]);
    CHECK(event.poll_was_cancelled());
    pipe.fill("x");
    EventBatch events{3};
    REQUIRE(context.wait(events, 2) == 2);
    for (const Event& ready : events) {
        CHECK(&ready.iocb() != &iocbs[1]);
        CHECK(!ready.poll_was_cancelled());
    }
}

TEST_CASE("a cancelled poll can be prepared and submitted again") {
    const Pipe pipe;
    Iocb iocb;
    Context context{1};
    for (int i = 0; i < 3; ++i) {
        iocb.prepare_poll(pipe.reader, POLLIN);
        context.submit(iocb);
        CHECK(context.cancel(iocb) == CancelResult::requested);
        CHECK(next_event(context).poll_was_cancelled());
    }
    iocb.prepare_poll(pipe.reader, POLLIN);
    pipe.fill("x");
    CHECK(run_one(context, iocb).result() > 0);
}

TEST_CASE("a poll cannot be cancelled twice") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, POLLIN);
    Context context{1};
    context.submit(iocb);
    CHECK(context.cancel(iocb) == CancelResult::requested);
    CHECK(context.cancel(iocb) == CancelResult::not_cancellable);
    CHECK(next_event(context).poll_was_cancelled());
}

TEST_CASE("what has completed, or was never submitted, is not cancellable") {
    const Pipe pipe;
    Iocb iocb;
    Context context{1};
    std::error_code error;
    CHECK(context.cancel(iocb, error) == CancelResult::not_cancellable);
    CHECK(!error);
    iocb.prepare_poll(pipe.writer, POLLOUT);
    context.submit(iocb);
    CHECK(context.cancel(iocb, error) == CancelResult::not_cancellable); // not yet reaped
    CHECK(!error);
    CHECK(next_event(context).result() > 0);
    CHECK(context.cancel(iocb, error) == CancelResult::not_cancellable); // reaped
    CHECK(!error);
}

TEST_CASE("a poll in another context is not cancellable here") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, POLLIN);
    Context context{1};
    Context other{1};
    context.submit(iocb);
    CHECK(other.cancel(iocb) == CancelResult::not_cancellable);
    CHECK(context.cancel(iocb) == CancelResult::requested);
    CHECK(next_event(context).poll_was_cancelled());
}

TEST_CASE("a read of a disk runs to its end, cancelled or not") {
    TemporaryFile file{std::string(1 << 20, 'd')};
    if (::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) | O_DIRECT) != 0) {
        SKIP_CASE("no direct I/O in /var/tmp");
    }
    aioxx::AlignedBuffer buffer{1 << 20, 4096};
    Iocb iocb;
    iocb.prepare_read(file, buffer, 0);
    Context context{1};
    context.submit(iocb);
    CHECK(context.cancel(iocb) == CancelResult::not_cancellable);
    CHECK(next_event(context).result() == 1 << 20);
}

} // namespace
