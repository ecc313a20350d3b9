// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "run_one.hpp"

#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/epoll.h>

using namespace aioxx::test;
using aioxx::CancelResult;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;

namespace {

constexpr std::int64_t readable = EPOLLIN | EPOLLRDNORM;

TEST_CASE("a poll of an empty pipe waits until it is readable") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, EPOLLIN | EPOLLRDNORM);
    Context context{1};
    EventBatch events{1};
    context.submit(iocb);
    CHECK(context.wait_for(events, 0, {}) == 0);
    pipe.fill("x");
    CHECK(next_event(context).result() == readable);
}

TEST_CASE("a poll that is ready at once reports the bits that were asked for") {
    const Pipe pipe;
    pipe.fill("x");
    Iocb iocb;
    Context context{1};
    iocb.prepare_poll(pipe.reader, EPOLLIN);
    CHECK(run_one(context, iocb).result() == EPOLLIN);
    iocb.prepare_poll(pipe.reader, EPOLLRDNORM);
    CHECK(run_one(context, iocb).result() == EPOLLRDNORM);
    iocb.prepare_poll(pipe.reader, EPOLLIN | EPOLLRDNORM | EPOLLOUT);
    CHECK(run_one(context, iocb).result() == readable);
}

TEST_CASE("a poll for something else does not fire") {
    const Pipe pipe;
    pipe.fill("x");
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, EPOLLPRI);
    Context context{1};
    EventBatch events{1};
    context.submit(iocb);
    CHECK(context.wait_for(events, 0, {}) == 0);
    CHECK(context.cancel(iocb) == CancelResult::requested);
    CHECK(next_event(context).poll_was_cancelled());
}

TEST_CASE("a poll is for one time") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, EPOLLIN);
    Context context{1};
    EventBatch events{1};
    context.submit(iocb);
    pipe.fill("x");
    // EPOLLRDNORM may be there as well: a poll that had to wait gets what the waker reports.
    CHECK((next_event(context).result() & EPOLLIN) != 0);
    pipe.fill("x");
    CHECK(context.wait_for(events, 0, {}) == 0);
}

TEST_CASE("a hang-up is reported unasked") {
    Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, 0);
    Context context{1};
    context.submit(iocb);
    pipe.writer.close();
    CHECK(next_event(context).result() == EPOLLHUP);
}

TEST_CASE("a regular file is ready at once") {
    const TemporaryFile file;
    Iocb iocb;
    iocb.prepare_poll(file, EPOLLIN | EPOLLOUT);
    Context context{1};
    CHECK(run_one(context, iocb).result() == (EPOLLIN | EPOLLOUT));
}

TEST_CASE("a pseudo-terminal and a fifo open for both refuse polls and take them through epoll") {
    const Terminal terminal;
    Iocb iocb;
    Context context{1};
    EventBatch events{1};
    iocb.prepare_poll(terminal.slave, EPOLLIN);
    CHECK(submit_error(context, iocb) == EINVAL);
    iocb.prepare_poll(terminal.master, EPOLLIN);
    CHECK(submit_error(context, iocb) == EINVAL);

    const Descriptor epoll{::epoll_create1(EPOLL_CLOEXEC)};
    epoll_event interest{};
    interest.events = EPOLLIN;
    REQUIRE(::epoll_ctl(epoll, EPOLL_CTL_ADD, terminal.slave, &interest) == 0);
    iocb.prepare_poll(epoll, EPOLLIN);
    context.submit(iocb);
    CHECK(context.wait_for(events, 0, {}) == 0); // it arms
    CHECK(context.cancel(iocb) == CancelResult::requested);
    CHECK(next_event(context).poll_was_cancelled()); // it cancels
    iocb.prepare_poll(epoll, EPOLLIN);
    context.submit(iocb);
    REQUIRE(::write(terminal.master, "line\n", 5) == 5);
    CHECK((next_event(context).result() & EPOLLIN) != 0); // it fires
}

TEST_CASE("polls take no more slots than were asked for, in any order of completion") {
    std::array<Pipe, 8> pipes;
    std::array<Iocb, 8> iocbs;
    Context context{8};
    for (std::size_t i = 0; i < pipes.size(); ++i) {
        iocbs[i].prepare_poll(pipes[i].reader, EPOLLIN);
        iocbs[i].set_data(&pipes[i]);
        context.submit(iocbs[i]);
    }
    for (const std::size_t i : {5U, 0U, 7U, 2U, 1U, 6U, 3U, 4U}) {
        pipes[i].fill("x");
        const Event event = next_event(context);
        CHECK(&event.iocb() == &iocbs[i]);
        CHECK(event.data_as<Pipe>() == &pipes[i]);
    }
}

} // namespace
