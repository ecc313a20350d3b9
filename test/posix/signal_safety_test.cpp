// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// aio_error, aio_return and aio_suspend from handlers that interrupt any of the functions.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"

#include <atomic>
#include <thread>

#include <sys/time.h>

namespace aioxx::test {
namespace {

/// The request that the handler works on.
std::atomic<aiocb*> for_handler{nullptr};
std::atomic<unsigned> taken{0};
std::atomic<unsigned> wrong_in_handler{0};
std::atomic<unsigned> suspended_in_handler{0};

void take_in_handler(int) {
    const int saved = errno;
    if (aiocb* const block = for_handler.load()) {
        const aiocb* const list[] = {block};
        const timespec none{0, 0};
        ::aio_suspend(list, 1, &none);
        ++suspended_in_handler;
        if (::aio_error(block) != EINPROGRESS) {
            for_handler = nullptr;
            wrong_in_handler += ::aio_error(block) != 0 || ::aio_return(block) != 8 ? 1 : 0;
            ++taken;
        }
    }
    errno = saved;
}

/// The same, but the handler waits: for a request that completes without the interrupted thread.
void wait_in_handler(int) {
    const int saved = errno;
    if (aiocb* const block = for_handler.exchange(nullptr)) {
        const aiocb* const list[] = {block};
        while (::aio_error(block) == EINPROGRESS) {
            ::aio_suspend(list, 1, nullptr);
        }
        wrong_in_handler += ::aio_return(block) != 8 ? 1 : 0;
        ++taken;
    }
    errno = saved;
}

void signal_often(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often{{0, 500}, {0, 500}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
}

/// Reads, writes, lists and cancels while the handler runs again and again, and completes
/// `wanted` requests in it. 0 when each request of both has ended once, with the right result.
int interrupted_program(void (*handler)(int), unsigned wanted) {
    const TemporaryFile file{std::string(4096, 'x')};
    const TemporaryFile direct{std::string(4096, 'x'), O_RDONLY | O_DIRECT};
    const Pipe pipe;
    Block given{file, 8};
    signal_often(handler);
    while (taken < wanted) {
        if (for_handler == nullptr && given.error() != EINPROGRESS) {
            if (::aio_read(given) != 0) {
                return 2;
            }
            for_handler = given;
        }
        Block read{file, 8};
        Block listed{direct, 512};
        Block cancelled{pipe.reader};
        aiocb* const list[] = {listed.as(LIO_READ)};
        if (::aio_read(read) != 0 || ::aio_read(cancelled) != 0 ||
            ::lio_listio(LIO_NOWAIT, list, 1, nullptr) != 0) {
            return 3;
        }
        if (::aio_cancel(pipe.reader, cancelled) != AIO_CANCELED) {
            return 4;
        }
        if (read.await_result() != 8 || listed.await_result() != 512 ||
            cancelled.wait() != ECANCELED) {
            return 5;
        }
    }
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    return wrong_in_handler == 0 ? 0 : 6;
}

POSIX_CASE("handlers look, take results and poll while any of the functions is interrupted") {
    NOT_ON_GLIBC("its aio_suspend takes a lock that the interrupted thread may hold");
    CHECK(interrupted_program(take_in_handler, 300) == 0);
    CHECK(suspended_in_handler >= taken);
}

POSIX_CASE("a handler may wait in aio_suspend while any of the functions is interrupted") {
    NOT_ON_GLIBC("its aio_suspend takes a lock that the interrupted thread may hold");
    CHECK(interrupted_program(wait_in_handler, 300) == 0);
}

POSIX_CASE("a completion's own signal handler takes the result") {
    NOT_UNDER_TSAN("it keeps one pending signal of each number");
    constexpr unsigned count = 500;
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
        auto* const block = static_cast<aiocb*>(info->si_value.sival_ptr);
        wrong_in_handler += ::aio_error(block) != 0 || ::aio_return(block) != 8 ? 1 : 0;
        ++taken;
    };
    REQUIRE(::sigaction(SIGRTMIN, &action, nullptr) == 0);
    const TemporaryFile file{"contents"};
    std::vector<Block> blocks;
    blocks.reserve(count);
    for (unsigned i = 0; i < count; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(file, 8).signals(SIGRTMIN)) == 0);
    }
    CHECK(eventually([] { return taken == count; }));
    CHECK(wrong_in_handler == 0);
}

POSIX_CASE("a wait in a handler is ended by a request that another thread completes") {
    NOT_ON_GLIBC("its aio_suspend takes a lock that the interrupted thread may hold");
    const Pipe inner;
    const Pipe outer;
    static Block* for_inner = nullptr;
    static std::atomic<bool> in_handler{false};
    Block waits_inside{inner.reader, 8};
    Block waits_outside{outer.reader, 8};
    for_inner = &waits_inside;
    struct sigaction action {};
    action.sa_flags = SA_RESTART;
    action.sa_handler = [](int) {
        in_handler = true;
        const aiocb* const list[] = {*for_inner};
        ::aio_suspend(list, 1, nullptr);
        wrong_in_handler += ::aio_error(*for_inner) != 0 ? 1 : 0;
    };
    REQUIRE(::sigaction(SIGUSR1, &action, nullptr) == 0);
    REQUIRE(aio_read(waits_inside) == 0);
    REQUIRE(aio_read(waits_outside) == 0);
    const pthread_t self = ::pthread_self();
    std::thread other{[&] {
        ::pthread_kill(self, SIGUSR1);
        CHECK(eventually([] { return in_handler.load(); }));
        outer.fill("contents"); // first that for which the interrupted call waits
        CHECK(eventually([&] { return readable_bytes(outer.reader) == 0; }));
        inner.fill("contents");
    }};
    CHECK(waits_outside.await_result() == 8);
    CHECK(waits_inside.await_result() == 8);
    other.join();
    CHECK(wrong_in_handler == 0);
}

} // namespace
} // namespace aioxx::test
