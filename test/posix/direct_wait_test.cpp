// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What a thread that waits for a direct request meets: signals, cancellation, other threads.

#include "posix/direct_files.hpp"
#include "posix/own_process.hpp"
#include "posix/suspended.hpp"

#include <atomic>
#include <csetjmp>
#include <thread>

#include <pthread.h>

namespace aioxx::test {
namespace {

void handle_by(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    REQUIRE(::sigaction(SIGUSR1, &action, nullptr) == 0);
}

/// A read that is in progress until the device is let go.
struct HeldRead {
    HeldRead() {
        device.gate.close();
        REQUIRE(::aio_read(block) == 0);
    }
    void let_go() {
        device.gate.open();
        CHECK(block.await_result() == direct_page);
    }
    HeldDevice device;
    const Block block{device.file, direct_page};
};

#define HELD(type, name)                                                                           \
    auto name = attempt<type>();                                                                   \
    if (!name) {                                                                                   \
        SKIP_CASE(name.reason());                                                                  \
    }

POSIX_CASE("a signal ends the wait for a direct request with EINTR") {
    HELD(HeldRead, held);
    handle(0);
    for (int i = 0; i < 3; ++i) {
        Suspended suspended{held->block};
        suspended.interrupt();
        suspended.thread.join();
        CHECK(suspended.said == "-1 EINTR");
        CHECK(held->block.pending());
    }
    held->let_go();
}

POSIX_CASE("with SA_RESTART the wait for a direct request goes on") {
    NOT_UNDER_TSAN("it runs handlers when a call has returned");
    HELD(HeldRead, held);
    remove_other_handlers();
    handle(SA_RESTART);
    Suspended suspended{held->block};
    for (int i = 0; i < 5; ++i) {
        suspended.interrupt();
    }
    CHECK(!suspended.back);
    held->device.gate.open();
    suspended.thread.join();
    CHECK(suspended.said == accepted);
    CHECK(held->block.await_result() == direct_page);
}

POSIX_CASE("a thread that waits for a direct request is woken though another one has found the "
           "completion") {
    const KnownFile file;
    const Pipe pipe;
    const Block piped{pipe.reader};
    REQUIRE(::aio_read(piped) == 0);
    std::atomic<bool> over{false};
    std::thread finder{[&] {
        constexpr timespec none{};
        const aiocb* const list[] = {piped};
        while (!over) {
            ::aio_suspend(list, 1, &none);
        }
    }};
    unsigned wrong = 0;
    const Block block{file, direct_page};
    const aiocb* const list[] = {block};
    const Deadline enough; // where a round takes long
    for (int i = 0; i < 20'000 && !enough.over(); ++i) {
        wrong += ::aio_read(block) != 0 || ::aio_suspend(list, 1, nullptr) != 0 ? 1U : 0U;
        wrong += block.error() != 0 || block.result() != direct_page ? 1U : 0U;
    }
    over = true;
    finder.join();
    CHECK(wrong == 0);
    pipe.fill("x");
    CHECK(piped.await_result() == 1);
}

std::atomic<const Block*> waited_for{nullptr};
std::atomic<int> nested{0};

POSIX_CASE("a handler that has interrupted the wait for a direct request waits for the same one") {
    NOT_ON_GLIBC("its aio_suspend takes a lock that the interrupted thread may hold");
    HELD(HeldRead, held);
    waited_for = &held->block;
    nested = 0;
    handle_by([](int) {
        const aiocb* const list[] = {*waited_for.load()};
        ++nested;
        if (::aio_suspend(list, 1, nullptr) == 0) {
            ++nested;
        }
    });
    Suspended suspended{held->block};
    CHECK(::pthread_kill(suspended.thread.native_handle(), SIGUSR1) == 0);
    CHECK(eventually([] { return nested == 1; }));
    CHECK(wait_until_asleep(suspended.tid));
    held->let_go();
    suspended.thread.join();
    CHECK(nested == 2);
}

// --- A thread that waits, and does not look -----------------------------------------------------

// No other thread looks for completions: all that is in progress is in the kernel.

/// A thread waits for `first`, and has left that for its handler; another one waits for `second`.
struct AbsentLeader {
    void check_that_the_other_is_woken() {
        Suspended follower{second.block};
        CHECK(follower.asleep);
        second.device.gate.open();
        CHECK(eventually([&] { return follower.back.load(); }));
        CHECK(follower.said == accepted);
        CHECK(second.block.await_result() == direct_page);
        second.device.gate.close();
        REQUIRE(::aio_read(second.block) == 0);
    }
    void end() {
        first.let_go();
        second.let_go();
    }
    HeldRead first;
    HeldRead second;
};

std::atomic<bool> in_handler{false};
std::atomic<bool> handler_may_end{false};

POSIX_CASE("a handler that runs for long on a thread that waits does not hold up the others") {
    in_handler = false;
    handler_may_end = false;
    HELD(AbsentLeader, held);
    handle_by([](int) {
        in_handler = true;
        while (!handler_may_end) {
            pause_briefly();
        }
    });
    Suspended leader{held->first.block};
    REQUIRE(::pthread_kill(leader.thread.native_handle(), SIGUSR1) == 0);
    CHECK(eventually([] { return in_handler.load(); }));
    held->check_that_the_other_is_woken();
    handler_may_end = true;
    leader.thread.join();
    CHECK(leader.said == "-1 EINTR");
    held->check_that_the_other_is_woken();
    held->end();
}

sigjmp_buf out_of_the_wait;

POSIX_CASE("a handler that jumps out of the wait does not hold up the other threads") {
    NOT_ON_GLIBC("what it has on the stack of that thread is in use");
    HELD(AbsentLeader, held);
    handle_by([](int) { ::siglongjmp(out_of_the_wait, 1); });
    std::atomic<pid_t> tid{0};
    std::atomic<bool> is_out{false};
    std::atomic<bool> may_end{false};
    std::thread jumper{[&] {
        if (sigsetjmp(out_of_the_wait, 1) == 0) {
            tid = thread_id();
            const aiocb* const list[] = {held->first.block};
            ::aio_suspend(list, 1, nullptr); // in a frame that has nothing to clean up
        }
        is_out = true;
        CHECK(eventually([&] { return may_end.load(); }));
    }};
    CHECK(eventually([&] { return tid != 0; }));
    CHECK(wait_until_asleep(tid));
    REQUIRE(::pthread_kill(jumper.native_handle(), SIGUSR1) == 0);
    CHECK(eventually([&] { return is_out.load(); }));
    held->check_that_the_other_is_woken();
    may_end = true;
    jumper.join();
    held->end();
}

} // namespace
} // namespace aioxx::test
