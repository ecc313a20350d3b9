// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// aio_suspend: what it waits for, and what ends the wait.

#include "posix/answer.hpp"
#include "posix/block.hpp"
#include "posix/own_process.hpp"
#include "posix/suspended.hpp"

#include "child.hpp"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <pthread.h>
#include <thread>

namespace aioxx::test {
namespace {

POSIX_CASE("an entry that has finished, or was never submitted, ends the wait at once") {
    const TemporaryFile file{"content"};
    const Pipe pipe;
    Block waiting{pipe.reader};
    Block done{file, 7};
    aiocb never{};
    REQUIRE(aio_read(waiting) == 0);
    REQUIRE(aio_read(done) == 0);
    CHECK(done.wait() == 0);
    CHECK(suspend({waiting, done}) == accepted);
    CHECK(suspend({done, waiting}) == accepted);
    CHECK(suspend({waiting, nullptr, &never}) == accepted);
    CHECK(done.result() == 7);
    CHECK(suspend({waiting, done}) == accepted);
    pipe.fill("x");
    CHECK(waiting.await_result() == 1);
}

POSIX_CASE("with nothing to wait for it returns 0") {
    CHECK(suspend({}) == accepted);
    CHECK(suspend({nullptr}) == accepted);
    CHECK(suspend({nullptr, nullptr, nullptr}) == accepted);
    const timespec long_time{1000, 0};
    CHECK(suspend({nullptr, nullptr}, &long_time) == accepted);
}

POSIX_CASE("any of its entries ends it") {
    std::vector<Pipe> pipes(5);
    std::vector<Block> blocks;
    for (const Pipe& pipe : pipes) {
        REQUIRE(aio_read(blocks.emplace_back(pipe.reader)) == 0);
    }
    for (std::size_t i = 0; i < pipes.size(); ++i) {
        pipes[i].fill("x");
        std::vector<const aiocb*> rest(blocks.begin() + static_cast<std::ptrdiff_t>(i),
                                       blocks.end());
        CHECK(aio_suspend(rest.data(), static_cast<int>(rest.size()), nullptr) == 0);
        CHECK(blocks[i].error() == 0);
    }
}

POSIX_CASE("at its timeout it answers EAGAIN, and not sooner") {
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    for (const timespec time : {timespec{0, 0}, timespec{0, 1}, timespec{0, 30'000'000}}) {
        const auto begin = std::chrono::steady_clock::now();
        CHECK(suspend({read}, &time) == "-1 EAGAIN");
        const auto took = std::chrono::steady_clock::now() - begin;
        CHECK(took >= std::chrono::nanoseconds{time.tv_nsec});
    }
    CHECK(read.pending());
    pipe.fill("x");
    CHECK(read.await_result() == 1);
}

POSIX_CASE("the longest of all timeouts does not end early") {
    NOT_ON_GLIBC("the sum with the clock is negative, and it times out at once");
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    const timespec time{std::numeric_limits<time_t>::max(), 999'999'999};
    Suspended suspended{read, &time};
    CHECK(suspended.asleep);
    CHECK(!suspended.back);
    pipe.fill("x");
    suspended.thread.join();
    CHECK(suspended.said == accepted);
}

/// Whether nanoseconds out of their range are refused in a wait for a read that is pending.
bool refuses(long nanoseconds) {
    const Pipe pipe;
    Block read{pipe.reader};
    const timespec time{0, nanoseconds};
    const bool refused = aio_read(read) == 0 && suspend({read}, &time) == invalid;
    pipe.fill("x");
    return refused && read.await_result() == 1;
}

POSIX_CASE("nanoseconds out of their range are EINVAL") {
    for (const long nanoseconds : {-1L, -2'000'000'000L, 1'000'000'000L, 2'000'000'000L}) {
        CAPTURE(nanoseconds);
        const ChildEnd end = run_in_child([=] { return refuses(nanoseconds) ? 0 : 1; });
        if (on_glibc()) { // the sum with the clock is refused by futex(2): that ends the program
            CHECK((end.status == 1 || end.signal == SIGABRT));
            CHECK((end.signal == SIGABRT || std::abs(nanoseconds) <= 1'000'000'000));
        } else {
            CHECK(end.status == 0);
        }
    }
}

POSIX_CASE("a signal ends it with EINTR where its handler does not restart calls") {
    handle(0);
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    const timespec long_time{1000, 0};
    for (const timespec* const time : {static_cast<const timespec*>(nullptr), &long_time}) {
        Suspended suspended{read, time};
        suspended.interrupt();
        suspended.thread.join();
        CHECK(suspended.said == "-1 EINTR");
    }
    CHECK(read.pending());
    pipe.fill("x");
    CHECK(read.await_result() == 1);
}

POSIX_CASE("a signal ends each of several waits with EINTR") {
    handle(0);
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    Suspended one{read};
    Suspended two{read};
    Suspended three{read};
    for (Suspended* const each : {&two, &three, &one}) {
        each->interrupt();
        each->thread.join();
        CHECK(each->said == "-1 EINTR");
    }
    pipe.fill("x");
    CHECK(read.await_result() == 1);
}

/// How many waits that `wait` makes, one after the other, did not end when a handler ran on their
/// thread: of a request's signal, whose completion may be found by the wait itself. At most one,
/// since a wait that goes on is ended by `end`.
template <typename Wait, typename End>
int waits_that_went_on(Wait wait, End end) {
    constexpr int rounds = 20;
    handle(0);
    const Pipe other;
    const BlockedSignal only_for_the_waiter{SIGUSR1};
    for (int i = 0; i < rounds; ++i) {
        Block done{other.reader};
        REQUIRE(aio_read(done.signals(SIGUSR1)) == 0);
        std::atomic<pid_t> tid{0};
        std::atomic<bool> back{false};
        std::string said;
        const int before = handled;
        std::thread waiter{[&] {
            sigset_t opened;
            ::sigemptyset(&opened);
            ::sigaddset(&opened, SIGUSR1);
            ::pthread_sigmask(SIG_UNBLOCK, &opened, nullptr);
            tid = thread_id();
            said = wait();
            back = true;
        }};
        CHECK(eventually([&] { return tid != 0; }));
        CHECK(wait_until_asleep(tid));
        other.fill("x");
        CHECK(eventually([&] { return handled > before; }));
        const bool has_ended = eventually([&] { return back.load(); });
        if (!has_ended) {
            end();
        }
        waiter.join();
        if (!has_ended) {
            return 1;
        }
        CHECK(said == "-1 EINTR");
    }
    return 0;
}

POSIX_CASE("the signal of another request's completion ends the wait with EINTR") {
    NOT_UNDER_TSAN("it runs handlers when a call has returned");
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    const auto end = [&] { pipe.fill("x"); };
    CHECK(waits_that_went_on([&] { return suspend({read}); }, end) == 0);
    const timespec long_time{1000, 0};
    CHECK(waits_that_went_on([&] { return suspend({read}, &long_time); }, end) == 0);
    pipe.fill("x");
}

POSIX_CASE("the signal of another request's completion ends LIO_WAIT with EINTR") {
    NOT_UNDER_TSAN("it runs handlers when a call has returned");
    NOT_ON_GLIBC("what it counts down is on the stack of a call that has returned");
    const Pipe pipe;
    std::vector<Block> reads;
    const auto wait = [&] {
        aiocb* const list[] = {reads.emplace_back(pipe.reader).as(LIO_READ)};
        return answer([&] { return ::lio_listio(LIO_WAIT, list, 1, nullptr); });
    };
    CHECK(waits_that_went_on(wait, [&] { pipe.fill(std::string(1000, 'x')); }) == 0);
    pipe.fill(std::string(1000, 'x'));
}

POSIX_CASE("a handler with SA_RESTART gives EINTR where another one has it not") {
    NOT_UNDER_TSAN("it runs handlers when a call has returned");
    remove_other_handlers();
    handle(SA_RESTART);
    handle(0, SIGUSR2); // which of the two has run is not known
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    Suspended suspended{read};
    suspended.interrupt();
    CHECK(eventually([&] { return on_glibc() || suspended.back; }));
    CHECK(suspended.back == !on_glibc());
    pipe.fill("x");
    suspended.thread.join();
    CHECK(suspended.said == differs<std::string>(accepted, "-1 EINTR"));
}

POSIX_CASE("with SA_RESTART a wait without a timeout goes on") {
    NOT_UNDER_TSAN("it runs handlers when a call has returned");
    remove_other_handlers();
    handle(SA_RESTART);
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    Suspended suspended{read};
    for (int i = 0; i < 5; ++i) {
        suspended.interrupt();
    }
    CHECK(!suspended.back);
    pipe.fill("x");
    suspended.thread.join();
    CHECK(suspended.said == accepted);
    CHECK(read.error() == 0);
}

POSIX_CASE("with SA_RESTART a wait with a timeout gives EINTR") {
    handle(SA_RESTART);
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    const timespec long_time{1000, 0};
    Suspended suspended{read, &long_time};
    suspended.interrupt();
    suspended.thread.join();
    CHECK(suspended.said == "-1 EINTR");
    pipe.fill("x");
    CHECK(read.await_result() == 1);
}

POSIX_CASE("several threads wait for one request, and for different ones") {
    const Pipe pipe;
    const Pipe other;
    Block read{pipe.reader};
    Block late{other.reader};
    REQUIRE(aio_read(read) == 0);
    REQUIRE(aio_read(late) == 0);
    Suspended one{read};
    Suspended two{read};
    Suspended three{late};
    pipe.fill("x");
    one.thread.join();
    two.thread.join();
    CHECK(one.said == accepted);
    CHECK(two.said == accepted);
    CHECK(!three.back);
    other.fill("x");
    three.thread.join();
    CHECK(three.said == accepted);
}

/// <aio.h> declares the 64-bit name as one that throws nothing, which is not true of a cancellation
/// point: by its declaration the compiler leaves the handlers out.
using Suspend = int (*)(const aiocb* const[], int, const timespec*);
const volatile Suspend suspend_throwing = ::aio_suspend;

void* suspended_for_ever(void* block) {
    static std::atomic<int>* cleaned = nullptr;
    auto& [read, tid, clean_ups] =
        *static_cast<std::tuple<Block, std::atomic<pid_t>, std::atomic<int>>*>(block);
    cleaned = &clean_ups;
    tid = thread_id();
    pthread_cleanup_push([](void*) { ++*cleaned; }, nullptr);
    const aiocb* const list[] = {read};
    suspend_throwing(list, 1, nullptr);
    pthread_cleanup_pop(0);
    return nullptr;
}

POSIX_CASE("a thread is cancelled in it, with its clean-up handlers, and harms no other") {
    const Pipe pipe;
    std::tuple<Block, std::atomic<pid_t>, std::atomic<int>> shared{Block{pipe.reader}, 0, 0};
    auto& [read, tid, clean_ups] = shared;
    REQUIRE(aio_read(read) == 0);
    for (int i = 1; i <= 20; ++i) {
        tid = 0;
        pthread_t thread{};
        REQUIRE(::pthread_create(&thread, nullptr, suspended_for_ever, &shared) == 0);
        REQUIRE(eventually([&tid = tid] { return tid != 0; }));
        if (i % 2 == 0) { // and otherwise on its way in
            REQUIRE(wait_until_asleep(tid));
        }
        REQUIRE(::pthread_cancel(thread) == 0);
        void* result = nullptr;
        REQUIRE(::pthread_join(thread, &result) == 0);
        CHECK(result == PTHREAD_CANCELED);
        CHECK(clean_ups == i);
    }
    const TemporaryFile file{"content"};
    Block other{file, 7};
    REQUIRE(aio_read(other) == 0);
    CHECK(other.await_result() == 7);
    CHECK(read.pending());
    pipe.fill("x");
    CHECK(read.await_result() == 1);
}

} // namespace
} // namespace aioxx::test
