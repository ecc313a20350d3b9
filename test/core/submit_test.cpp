// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "blocked_in.hpp"
#include "run_one.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <poll.h>

using namespace aioxx::test;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;

namespace {

TEST_CASE("submitting nothing accepts nothing, and is no error") {
    Context context{1};
    CHECK(context.submit(std::span<Iocb* const>{}) == 0);
    EventBatch events{1};
    CHECK(context.wait_for(events, 0, std::chrono::seconds{0}) == 0);
    CHECK(context.reap(events) == 0);
}

TEST_CASE("submitting nothing and waiting for nothing, in turns, leaves a context that works") {
    const Pipe pipe;
    Iocb iocb;
    Context context{1};
    EventBatch events{1};
    for (int i = 0; i < 3; ++i) {
        CHECK(context.submit(std::span<Iocb* const>{}) == 0);
        CHECK(context.wait(events, 0) == 0);
        iocb.prepare_poll(pipe.writer, POLLOUT);
        CHECK(run_one(context, iocb).result() > 0);
    }
}

TEST_CASE("a submit stops at the first operation refused, and the rest can go again") {
    const Pipe pipe;
    std::array<Iocb, 4> iocbs;
    std::array<Iocb*, 4> all{&iocbs[0], &iocbs[1], &iocbs[2], &iocbs[3]};
    iocbs[0].prepare_poll(pipe.writer, POLLOUT);
    iocbs[1].prepare_poll(closed_descriptor(), POLLOUT);
    iocbs[2].prepare_poll(pipe.writer, POLLOUT);
    iocbs[3].prepare_poll(pipe.writer, POLLOUT);
    Context context{4};
    std::error_code error;
    CHECK(context.submit(all, error) == 1);
    CHECK(!error); // one was accepted
    CHECK(context.submit(std::span<Iocb* const>{all}.subspan(1), error) == 0);
    CHECK(error.value() == EBADF);
    CHECK(context.submit(std::span<Iocb* const>{all}.subspan(2), error) == 2);
    CHECK(!error);
    EventBatch events{4};
    CHECK(context.wait(events, 3) == 3);
    std::set<const Iocb*> seen;
    for (const Event& event : events) {
        seen.insert(&event.iocb());
    }
    CHECK(seen == std::set<const Iocb*>{&iocbs[0], &iocbs[2], &iocbs[3]});
    CHECK(context.wait_for(events, 0, {}) == 0);
}

TEST_CASE("a refused operation can be prepared and submitted again") {
    const Pipe pipe;
    Iocb iocb;
    Context context{1};
    iocb.prepare_poll(closed_descriptor(), POLLOUT);
    CHECK_THROWS_AS(context.submit(iocb), std::system_error);
    iocb.prepare_poll(pipe.writer, POLLOUT);
    CHECK(run_one(context, iocb).result() > 0);
}

TEST_CASE("two writes in one submit on a context of one both arrive") {
    const TemporaryFile file;
    std::array<Iocb, 2> iocbs;
    std::array<Iocb*, 2> both{&iocbs[0], &iocbs[1]};
    iocbs[0].prepare_write(file, bytes_of("first"), 0);
    iocbs[1].prepare_write(file, bytes_of("second"), 5);
    Context context{1};
    EventBatch events{2};
    std::size_t submitted = 0;
    std::size_t reaped = 0;
    while (reaped < 2) {
        std::error_code error;
        submitted += context.submit(std::span<Iocb* const>{both}.subspan(submitted), error);
        CHECK((!error || error.value() == EAGAIN));
        reaped += context.wait(events, 1);
    }
    CHECK(submitted == 2);
    CHECK(file.content() == "firstsecond");
}

/// Operations that complete at once, as many as the context takes, up to `limit`.
std::size_t fill_up(Context& context, std::vector<std::unique_ptr<Iocb>>& iocbs, int fd,
                    std::size_t limit, std::error_code& error) {
    const std::size_t before = iocbs.size();
    while (iocbs.size() - before < limit) {
        auto iocb = std::make_unique<Iocb>();
        iocb->prepare_poll(fd, POLLOUT);
        context.submit(*iocb, error);
        if (error) {
            break;
        }
        iocbs.push_back(std::move(iocb));
    }
    return iocbs.size() - before;
}

TEST_CASE("a context takes as many as it was asked for, and completed ones hold their slots") {
    const Pipe pipe;
    std::vector<std::unique_ptr<Iocb>> iocbs;
    constexpr unsigned depth = 64;
    Context context{depth};
    std::error_code error;
    // All of these are complete when submit returns, and still the context fills up.
    constexpr std::size_t plenty = 100'000;
    const std::size_t accepted = fill_up(context, iocbs, pipe.writer, plenty, error);
    CHECK(accepted >= depth);
    CHECK(accepted < plenty);
    CHECK(error.value() == EAGAIN);
    // Trying again is of no use, reaping is.
    CHECK(fill_up(context, iocbs, pipe.writer, 1, error) == 0);
    CHECK(error.value() == EAGAIN);
    EventBatch events{plenty};
    CHECK(context.wait(events, accepted) == accepted);
    CHECK(fill_up(context, iocbs, pipe.writer, depth, error) == depth);
    CHECK(!error);
}

TEST_CASE("the depth asked for is there for operations that do not complete") {
    const Pipe pipe;
    constexpr unsigned depth = 100;
    std::vector<std::unique_ptr<Iocb>> iocbs;
    std::vector<Iocb*> pointers;
    for (unsigned i = 0; i < depth; ++i) {
        iocbs.push_back(std::make_unique<Iocb>());
        iocbs.back()->prepare_poll(pipe.reader, POLLIN);
        pointers.push_back(iocbs.back().get());
    }
    Context context{depth};
    CHECK(context.submit(pointers) == depth);
    pipe.fill("x");
    EventBatch events{depth};
    CHECK(context.wait(events, depth) == depth);
}

TEST_CASE("buffered I/O has completed when submit returns") {
    TemporaryFile file{"0123456789"};
    std::array<char, 10> buffer{};
    Iocb iocb;
    EventBatch events{1};
    Context context{1};
    iocb.prepare_write(file, bytes_of("abc"), 0);
    context.submit(iocb);
    REQUIRE(context.reap(events) == 1);
    CHECK(events[0].result() == 3);
    iocb.prepare_read(file, bytes_of(buffer), 0);
    context.submit(iocb);
    REQUIRE(context.reap(events) == 1);
    CHECK(std::string_view{buffer.data(), 10} == "abc3456789");
}

TEST_CASE("submitting a read of an empty pipe blocks until data comes") {
    SKIP_UNDER_VALGRIND("io_submit that blocks keeps every other thread from running");
    const Pipe pipe;
    std::array<char, 4> buffer{};
    Iocb iocb;
    iocb.prepare_read(pipe.reader, bytes_of(buffer), 0);
    Context context{1};
    std::atomic<pid_t> submitter{0};
    std::thread thread{[&] {
        submitter = thread_id();
        context.submit(iocb);
    }};
    while (submitter == 0) {
        std::this_thread::yield();
    }
    const bool blocked = wait_until_blocked_in(submitter, SYS_io_submit);
    EventBatch events{1};
    CHECK(context.wait_for(events, 0, {}) == 0);
    pipe.fill("data");
    CHECK(next_event(context).result() == 4);
    thread.join();
    CHECK(blocked);
    CHECK(std::string_view{buffer.data(), 4} == "data");
}

TEST_CASE("the array of iovecs may go once submit has returned") {
    TemporaryFile file{std::string(4096, 'a') + std::string(4096, 'b')};
    const int flags = ::fcntl(file, F_GETFL);
    ::fcntl(file, F_SETFL, flags | O_DIRECT); // where it can: then it is under way afterwards
    aioxx::AlignedBuffer buffer{8192, 4096};
    std::fill(buffer.begin(), buffer.end(), std::byte{0});
    std::array<iovec, 2> vectors{{{buffer.data() + 4096, 4096}, {buffer.data(), 4096}}};
    Iocb iocb;
    iocb.prepare_readv(file, vectors, 0);
    Context context{1};
    context.submit(iocb);
    vectors = {};
    CHECK(next_event(context).result() == 8192);
    CHECK(static_cast<char>(buffer.data()[0]) == 'b');
    CHECK(static_cast<char>(buffer.data()[4096]) == 'a');
}

TEST_CASE("the descriptor may be closed while the operation is in flight") {
    Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, POLLIN);
    Context context{1};
    context.submit(iocb);
    pipe.reader.close();
    pipe.fill("x"); // no EPIPE: the kernel still holds the reading end
    CHECK((next_event(context).result() & POLLIN) != 0);
}

TEST_CASE("the thread that submitted may end while the operation is in flight") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, POLLIN);
    Context context{1};
    std::thread{[&] { context.submit(iocb); }}.join();
    pipe.fill("x");
    const Event event = next_event(context);
    CHECK(&event.iocb() == &iocb);
    CHECK((event.result() & POLLIN) != 0);
}

} // namespace
