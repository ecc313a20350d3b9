// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "run_one.hpp"

#include <array>
#include <cerrno>
#include <thread>

#include <poll.h>
#include <sys/resource.h>

using namespace aioxx::test;
using aioxx::Context;
using aioxx::EventBatch;
using aioxx::EventFd;
using aioxx::Iocb;

namespace {

using Mode = EventFd::Mode;

/// The error of a read, 0 for none.
int read_error(EventFd& counter) {
    std::error_code error;
    counter.read(error);
    return error.value();
}

TEST_CASE("an eventfd gives its counter once, and then nothing") {
    EventFd counter{Mode::nonblocking, 3};
    CHECK(counter.read() == 3);
    CHECK(read_error(counter) == EAGAIN);
    counter.signal();
    counter.signal(4);
    CHECK(counter.read() == 5);
    CHECK_THROWS_AS(counter.read(), std::system_error);
}

TEST_CASE("a semaphore gives 1 at a time") {
    EventFd counter{Mode::nonblocking_semaphore, 2};
    counter.signal();
    for (int i = 0; i < 3; ++i) {
        CHECK(counter.read() == 1);
    }
    CHECK(read_error(counter) == EAGAIN);
    EventFd blocking{Mode::semaphore, 2};
    CHECK(blocking.read() == 1);
    CHECK(blocking.read() == 1);
}

TEST_CASE("a blocking read waits for the counter to leave 0") {
    EventFd counter{Mode::blocking};
    std::thread thread{[&] { counter.signal(7); }};
    CHECK(counter.read() == 7);
    thread.join();
}

TEST_CASE("modes are what the descriptor says") {
    const EventFd blocking{Mode::blocking};
    const EventFd nonblocking{Mode::nonblocking};
    CHECK((::fcntl(blocking.fd(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(nonblocking.fd(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(blocking.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(nonblocking.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a counter that would overflow says EAGAIN") {
    EventFd counter{Mode::nonblocking};
    counter.signal(0xfffffffffffffffeU);
    std::error_code error;
    counter.signal(1, error);
    CHECK(error.value() == EAGAIN);
    CHECK(counter.read() == 0xfffffffffffffffeU);
}

TEST_CASE("a moved-from eventfd has no descriptor, and answers EBADF") {
    EventFd first{Mode::nonblocking, 1};
    const int fd = first.fd();
    EventFd second{std::move(first)};
    CHECK(second.fd() == fd);
    CHECK(first.fd() == -1);
    CHECK(read_error(first) == EBADF);
    CHECK_THROWS_AS(first.signal(), std::system_error);
    EventFd third{Mode::nonblocking};
    const int replaced = third.fd();
    third = std::move(second);
    CHECK(third.fd() == fd);
    CHECK(second.fd() == -1);
    CHECK(::fcntl(replaced, F_GETFD) == -1); // closed
    CHECK(third.read() == 1);
    EventFd& same = third;
    third = std::move(same);
    CHECK(third.fd() == fd);
}

TEST_CASE("the destructor closes the descriptor") {
    int fd = -1;
    {
        const EventFd counter;
        fd = counter.fd();
        CHECK(::fcntl(fd, F_GETFD) != -1);
    }
    CHECK(::fcntl(fd, F_GETFD) == -1);
}

TEST_CASE("an error of making one is reported in both forms") {
    // No more descriptors than are open now.
    const Descriptor next{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    std::error_code error;
    const EventFd counter{Mode::blocking, 0, error};
    bool thrown = false;
    try {
        const EventFd other;
    } catch (const std::system_error&) {
        thrown = true;
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(error.value() == EMFILE);
    CHECK(counter.fd() == -1);
    CHECK(thrown);
}

TEST_CASE("each completion counts 1, after its event can be reaped") {
    const Pipe pipe;
    std::array<Iocb, 3> iocbs;
    EventFd counter{Mode::blocking};
    Context context{3};
    EventBatch events{3};
    for (Iocb& iocb : iocbs) {
        iocb.prepare_poll(pipe.reader, POLLIN);
        iocb.set_event_fd(counter.fd());
        context.submit(iocb);
    }
    std::thread writer{[&] { pipe.fill("x"); }};
    std::uint64_t counted = 0;
    std::size_t reaped = 0;
    while (counted < 3) {
        counted += counter.read();
        reaped += context.reap(events);
        CHECK(reaped >= counted);
    }
    writer.join();
    CHECK(counted == 3);
    CHECK(reaped == 3);
}

TEST_CASE("a semaphore counts completions one read each") {
    const Pipe pipe;
    std::array<Iocb, 2> iocbs;
    EventFd counter{Mode::nonblocking_semaphore};
    Context context{2};
    for (Iocb& iocb : iocbs) {
        iocb.prepare_poll(pipe.writer, POLLOUT);
        iocb.set_event_fd(counter.fd());
        context.submit(iocb);
    }
    CHECK(counter.read() == 1);
    CHECK(counter.read() == 1);
    CHECK(read_error(counter) == EAGAIN);
}

TEST_CASE("an operation that was given no eventfd counts nowhere") {
    const Pipe pipe;
    Iocb iocb;
    EventFd counter{Mode::nonblocking};
    Context context{1};
    iocb.prepare_poll(pipe.writer, POLLOUT);
    iocb.set_event_fd(counter.fd());
    CHECK(run_one(context, iocb).result() > 0);
    CHECK(counter.read() == 1);
    iocb.prepare_poll(pipe.writer, POLLOUT); // forgets it
    CHECK(run_one(context, iocb).result() > 0);
    CHECK(read_error(counter) == EAGAIN);
}

TEST_CASE("a descriptor that is closed gives EBADF, one that is no eventfd EINVAL") {
    const Pipe pipe;
    Iocb iocb;
    Context context{1};
    iocb.prepare_poll(pipe.writer, POLLOUT);
    iocb.set_event_fd(closed_descriptor());
    CHECK(submit_error(context, iocb) == EBADF);
    iocb.set_event_fd(pipe.writer);
    CHECK(submit_error(context, iocb) == EINVAL);
}

TEST_CASE("the eventfd may be closed while the operation is in flight") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, POLLIN);
    Context context{1};
    {
        const EventFd counter;
        iocb.set_event_fd(counter.fd());
        context.submit(iocb);
    }
    pipe.fill("x");
    CHECK((next_event(context).result() & POLLIN) != 0);
}

TEST_CASE("a completion wakes a thread that polls the eventfd") {
    const Pipe pipe;
    Iocb iocb;
    const EventFd counter;
    Context context{1};
    iocb.prepare_poll(pipe.reader, POLLIN);
    iocb.set_event_fd(counter.fd());
    context.submit(iocb);
    pollfd waiting{counter.fd(), POLLIN, 0};
    CHECK(::poll(&waiting, 1, 0) == 0);
    std::thread writer{[&] { pipe.fill("x"); }};
    CHECK(::poll(&waiting, 1, -1) == 1);
    writer.join();
    EventBatch events{1};
    CHECK(context.reap(events) == 1);
}

} // namespace
