// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "blocked_in.hpp"
#include "run_one.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include <poll.h>

using namespace aioxx::test;
using aioxx::Context;
using aioxx::EventBatch;
using aioxx::Iocb;
using std::chrono::nanoseconds;

namespace {

struct Waiting {
    /// Makes one operation complete.
    void complete(Iocb& iocb) {
        iocb.prepare_poll(pipe.writer, POLLOUT);
        context.submit(iocb);
    }

    Pipe pipe;
    std::array<Iocb, 4> iocbs;
    Context context{4};
    EventBatch events{4};
};

#ifdef SYS_io_pgetevents_time64
constexpr long masked_wait = SYS_io_pgetevents_time64;
#else
constexpr long masked_wait = SYS_io_pgetevents;
#endif

volatile sig_atomic_t handled = 0;
extern "C" void count_signal(int) {
    handled = handled + 1;
}

/// A handler for SIGUSR1, which is blocked as well where `block` says so.
class Handler {
public:
    Handler(int flags, bool block) {
        handled = 0;
        struct sigaction action {};
        action.sa_handler = count_signal;
        action.sa_flags = flags;
        sigaction(SIGUSR1, &action, &action_before_);
        sigset_t usr1;
        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &usr1, &mask_before_);
    }
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    ~Handler() {
        pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
        sigaction(SIGUSR1, &action_before_, nullptr);
    }

private:
    struct sigaction action_before_ {};
    sigset_t mask_before_{};
};

bool is_blocked(int number) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, number) == 1;
}

TEST_CASE("a wait for at least none never waits, whatever the timeout") {
    Waiting w;
    CHECK(w.context.wait(w.events, 0) == 0);
    CHECK(w.context.wait_for(w.events, 0, nanoseconds::max()) == 0);
    w.complete(w.iocbs[0]);
    CHECK(w.context.wait(w.events, 0) == 1);
}

TEST_CASE("a negative timeout is zero") {
    Waiting w;
    for (const nanoseconds timeout :
         {nanoseconds{-1}, nanoseconds{-4'000'000'000}, nanoseconds::min()}) {
        CHECK(w.context.wait_for(w.events, 1, timeout) == 0); // or it would wait for ever
    }
    w.complete(w.iocbs[0]);
    CHECK(w.context.wait_for(w.events, 1, nanoseconds{-1}) == 1);
}

TEST_CASE("running out of time is no error, and gives what there is") {
    Waiting w;
    std::error_code error;
    CHECK(w.context.wait_for(w.events, 1, std::chrono::milliseconds{2}, error) == 0);
    CHECK(!error);
    CHECK(w.events.empty());
    w.complete(w.iocbs[0]);
    w.complete(w.iocbs[1]);
    // Three are more than are in flight: without limit this would never end.
    CHECK(w.context.wait_for(w.events, 3, std::chrono::milliseconds{2}, error) == 2);
    CHECK(!error);
    CHECK(w.events.size() == 2);
}

TEST_CASE("the longest timeout is accepted") {
    Waiting w;
    w.complete(w.iocbs[0]);
    CHECK(w.context.wait_for(w.events, 1, nanoseconds::max()) == 1);
}

TEST_CASE("a wait takes as many as the batch holds, and leaves the rest") {
    Waiting w;
    for (Iocb& iocb : w.iocbs) {
        w.complete(iocb);
    }
    EventBatch three{3};
    CHECK(w.context.wait(three, 1) == 3);
    CHECK(w.context.wait(three, 1) == 1);
    CHECK(three.size() == 1);
    CHECK(&three[0].iocb() == &w.iocbs[3]);
}

TEST_CASE("a minimum above the capacity is EINVAL, and takes nothing") {
    Waiting w;
    w.complete(w.iocbs[0]);
    std::error_code error;
    CHECK(w.context.wait(w.events, 5, error) == 0);
    CHECK(error.value() == EINVAL);
    CHECK(w.events.empty());
    CHECK(w.context.wait_for(w.events, 5, nanoseconds{0}, error) == 0);
    CHECK(error.value() == EINVAL);
    CHECK(w.context.wait(w.events, static_cast<std::size_t>(-1), error) == 0);
    CHECK(error.value() == EINVAL);
    CHECK(w.context.wait(w.events, 1, error) == 1);
    CHECK(!error);
}

TEST_CASE("a failed wait empties the batch, in both forms") {
    Waiting w;
    w.complete(w.iocbs[0]);
    std::error_code error;
    REQUIRE(w.context.wait(w.events, 1) == 1);
    w.context.wait(w.events, 9, error);
    CHECK(w.events.empty());
    w.complete(w.iocbs[0]);
    REQUIRE(w.context.wait(w.events, 1) == 1);
    CHECK_THROWS_AS(w.context.wait(w.events, 9), std::system_error);
    CHECK(w.events.empty());
}

TEST_CASE("a batch without room takes nothing") {
    Waiting w;
    EventBatch none{0};
    w.complete(w.iocbs[0]);
    CHECK(w.context.wait(none, 0) == 0);
    CHECK(w.context.reap(none) == 0);
    CHECK(w.context.wait(w.events, 1) == 1);
}

TEST_CASE("a signal ends a wait with EINTR, even where its handler says SA_RESTART") {
    for (const int flags : {0, SA_RESTART}) {
        CAPTURE(flags);
        const Handler handler{flags, false};
        Waiting w;
        const pid_t waiter = thread_id();
        const pthread_t self = pthread_self();
        std::atomic<bool> seen{false};
        std::thread sender{[&] {
            seen = wait_until_blocked_in(waiter, SYS_io_getevents);
            pthread_kill(self, SIGUSR1);
        }};
        std::error_code error;
        CHECK(w.context.wait(w.events, 1, error) == 0);
        CHECK(error.value() == EINTR);
        sender.join();
        CHECK(seen);
        CHECK(handled == 1);
    }
}

TEST_CASE("a mask lets a pending signal in, and the wait ends with EINTR") {
    SKIP_UNDER_VALGRIND("io_pgetevents");
    const Handler handler{0, true};
    Waiting w;
    sigset_t none;
    sigemptyset(&none);
    raise(SIGUSR1);
    CHECK(handled == 0);
    std::error_code error;
    CHECK(w.context.wait(w.events, 1, none, error) == 0);
    CHECK(error.value() == EINTR);
    CHECK(handled == 1);
    CHECK(is_blocked(SIGUSR1)); // as it was before
}

TEST_CASE("with an event at hand a signal gives a short count instead of EINTR") {
    SKIP_UNDER_VALGRIND("io_pgetevents");
    const Handler handler{0, true};
    Waiting w;
    sigset_t none;
    sigemptyset(&none);
    w.complete(w.iocbs[0]);
    raise(SIGUSR1);
    std::error_code error;
    CHECK(w.context.wait_for(w.events, 2, std::chrono::hours{1}, none, error) == 1);
    CHECK(!error);
    // Taken, or left for the next wait: but not lost.
    CHECK(&w.events[0].iocb() == &w.iocbs[0]);
}

TEST_CASE("a mask keeps a signal out for as long as the wait lasts") {
    SKIP_UNDER_VALGRIND("io_pgetevents");
    const Handler handler{0, false};
    Waiting w;
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    w.iocbs[0].prepare_poll(w.pipe.reader, POLLIN);
    w.context.submit(w.iocbs[0]);
    const pid_t waiter = thread_id();
    const pthread_t self = pthread_self();
    std::atomic<bool> seen{false};
    std::thread sender{[&] {
        seen = wait_until_blocked_in(waiter, masked_wait);
        pthread_kill(self, SIGUSR1);
        w.pipe.fill("x");
    }};
    std::error_code error;
    CHECK(w.context.wait(w.events, 1, usr1, error) == 1);
    CHECK(!error);
    sender.join();
    CHECK(seen);
    CHECK(handled == 1); // afterwards
    CHECK(!is_blocked(SIGUSR1));
}

TEST_CASE("a wait with a mask gives events like one without") {
    SKIP_UNDER_VALGRIND("io_pgetevents");
    Waiting w;
    sigset_t none;
    sigemptyset(&none);
    CHECK(w.context.wait_for(w.events, 1, nanoseconds{1}, none) == 0);
    CHECK(w.context.wait_for(w.events, 1, nanoseconds{-1}, none) == 0);
    w.complete(w.iocbs[0]);
    w.complete(w.iocbs[1]);
    CHECK(w.context.wait(w.events, 2, none) == 2);
    std::error_code error;
    CHECK(w.context.wait(w.events, 5, none, error) == 0);
    CHECK(error.value() == EINVAL);
}

} // namespace
