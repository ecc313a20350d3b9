// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// SIGEV_SIGNAL and SIGEV_THREAD, and the signal masks of threads that are not the program's.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "blocked_in.hpp"

#include <atomic>
#include <pthread.h>
#include <set>

#include <sys/resource.h>

namespace aioxx::test {
namespace {

POSIX_CASE("the signal says SI_ASYNCIO, the value, and the sender") {
    const TemporaryFile file{"content"};
    const BlockedSignal signal{SIGRTMIN + 2};
    Block read{file, 7};
    REQUIRE(aio_read(read.signals(signal)) == 0);
    const auto notice = signal.next();
    REQUIRE(notice);
    CHECK(notice->si_signo == SIGRTMIN + 2);
    CHECK(notice->si_code == SI_ASYNCIO);
    CHECK(notice->si_value.sival_ptr == static_cast<aiocb*>(read));
    CHECK(notice->si_pid == ::getpid());
    CHECK(notice->si_uid == ::getuid());
    CHECK(read.error() == 0);
    CHECK(read.result() == 7);
    CHECK(!signal.there());
}

POSIX_CASE("signals are queued: one for each request, failed ones as well") {
    constexpr std::size_t count = 200;
    const TemporaryFile file{"content"};
    const BlockedSignal signal{SIGRTMIN};
    std::vector<Block> blocks;
    std::set<void*> expected;
    for (std::size_t i = 0; i < count; ++i) {
        Block& read = blocks.emplace_back(i % 3 == 0 ? closed_descriptor() : int{file}, 7);
        expected.insert(static_cast<aiocb*>(read));
        REQUIRE(aio_read(read.signals(signal)) == 0);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const auto notice = signal.next();
        REQUIRE(notice);
        // the result is there before the signal
        auto* const block = static_cast<aiocb*>(notice->si_value.sival_ptr);
        REQUIRE(expected.erase(block) == 1);
        CHECK(aio_error(block) != EINPROGRESS);
    }
    CHECK(!signal.there());
}

POSIX_CASE("an fsync, a write, and a read that waited on a pipe send their signals") {
    const TemporaryFile file{"content"};
    const Pipe pipe;
    const BlockedSignal signal{SIGRTMIN};
    Block sync{file};
    REQUIRE(aio_fsync(O_SYNC, sync.signals(signal)) == 0);
    CHECK(signal.next());
    Block write{file, "changed"};
    REQUIRE(aio_write(write.signals(signal)) == 0);
    CHECK(signal.next());
    Block read{pipe.reader};
    REQUIRE(aio_read(read.signals(signal)) == 0);
    CHECK(!signal.there());
    pipe.fill("x");
    CHECK(signal.next());
    CHECK(read.error() == 0);
}

POSIX_CASE("signals that there is no room for come when there is") {
    constexpr std::size_t count = 64;
    const TemporaryFile file{"content"};
    const BlockedSignal signal{SIGRTMIN};
    const BlockedSignal plain{SIGUSR1}; // needs no room: it comes when the others have been tried
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_SIGPENDING, &before) == 0);
    const rlimit few{0, before.rlim_max};
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < count; ++i) {
        blocks.emplace_back(i % 2 == 0 ? closed_descriptor() : int{file}, 7).signals(signal);
    }
    REQUIRE(::setrlimit(RLIMIT_SIGPENDING, &few) == 0);
    for (const Block& block : blocks) {
        REQUIRE(aio_read(block) == 0);
    }
    int refused = 0;
    for (const Block& block : blocks) {
        refused += block.wait() == EAGAIN;
    }
    Block last{closed_descriptor()};
    REQUIRE(aio_read(last.signals(plain)) == 0);
    REQUIRE(plain.next());
    REQUIRE(::setrlimit(RLIMIT_SIGPENDING, &before) == 0);
    if (on_glibc()) { // it says so in the block, in place of the result
        CHECK(refused == count);
        CHECK(!signal.there());
        return;
    }
    CHECK(refused == 0);
    std::set<void*> told;
    for (std::size_t i = 0; i < count; ++i) {
        const auto notice = signal.next();
        REQUIRE(notice);
        told.insert(notice->si_value.sival_ptr);
    }
    CHECK(told.size() == count);
    CHECK(!signal.there());
}

POSIX_CASE("a signal that is not a real-time one carries the same") {
    const TemporaryFile file{"content"};
    const BlockedSignal signal{SIGIO};
    Block read{file, 7};
    REQUIRE(aio_read(read.signals(signal)) == 0);
    const auto notice = signal.next();
    REQUIRE(notice);
    CHECK(notice->si_code == SI_ASYNCIO);
    CHECK(notice->si_value.sival_ptr == static_cast<aiocb*>(read));
}

/// What the function of SIGEV_THREAD sees of the thread it runs in.
struct Seen {
    aiocb* block = nullptr;
    std::atomic<bool> called{false};
    int error = -1;
    bool own_thread = false;
    int blocked_signals = -1;
    int detach_state = -1;
    std::size_t stack_size = 0;
    pthread_t caller = ::pthread_self();
};

void look_around(sigval value) {
    auto& seen = *static_cast<Seen*>(value.sival_ptr);
    seen.error = ::aio_error(seen.block);
    seen.own_thread = ::pthread_equal(seen.caller, ::pthread_self()) == 0;
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    int count = 0;
    for (int number = 1; number < NSIG; ++number) {
        count += ::sigismember(&blocked, number) == 1;
    }
    seen.blocked_signals = count;
    pthread_attr_t attributes;
    ::pthread_getattr_np(::pthread_self(), &attributes);
    ::pthread_attr_getdetachstate(&attributes, &seen.detach_state);
    ::pthread_attr_getstacksize(&attributes, &seen.stack_size);
    ::pthread_attr_destroy(&attributes);
    seen.called = true;
}

void notify_by_thread(Block& block, Seen& seen, pthread_attr_t* attributes) {
    seen.block = block;
    block->aio_sigevent.sigev_notify = SIGEV_THREAD;
    block->aio_sigevent.sigev_notify_function = look_around;
    block->aio_sigevent.sigev_notify_attributes = attributes;
    block->aio_sigevent.sigev_value.sival_ptr = &seen;
}

POSIX_CASE("the function is called in a thread of its own, detached, with no signal blocked") {
    const TemporaryFile file{"content"};
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    for (const int fd : {int{file}, closed_descriptor()}) {
        Block read{fd, 7};
        Seen seen;
        notify_by_thread(read, seen, nullptr);
        REQUIRE(aio_read(read) == 0);
        REQUIRE(eventually([&] { return seen.called.load(); }));
        CHECK(seen.error == (fd == file ? 0 : EBADF));
        CHECK(seen.own_thread);
        CHECK(seen.blocked_signals == 0);
        CHECK(seen.detach_state == PTHREAD_CREATE_DETACHED);
    }
}

POSIX_CASE("the thread has the attributes that were asked for") {
    const TemporaryFile file{"content"};
    constexpr std::size_t stack_size = (1U << 20) + (1U << 16);
    pthread_attr_t attributes;
    REQUIRE(::pthread_attr_init(&attributes) == 0);
    REQUIRE(::pthread_attr_setstacksize(&attributes, stack_size) == 0);
    REQUIRE(::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    Block read{file, 7};
    Seen seen;
    notify_by_thread(read, seen, &attributes);
    REQUIRE(aio_read(read) == 0);
    REQUIRE(eventually([&] { return seen.called.load(); }));
    // sanitizers add to it
    CHECK(seen.stack_size >= stack_size);
    CHECK(seen.stack_size < stack_size + (1U << 19));
    CHECK(seen.detach_state == PTHREAD_CREATE_DETACHED);
    CHECK(seen.blocked_signals == 0);
    ::pthread_attr_destroy(&attributes);
}

POSIX_CASE("a function that waits holds up no other request, and may make requests itself") {
    static const TemporaryFile file{"content"};
    static std::atomic<bool> go_on{false};
    static std::atomic<int> inner_result{0};
    Block read{file, 7};
    read->aio_sigevent.sigev_notify = SIGEV_THREAD;
    read->aio_sigevent.sigev_notify_attributes = nullptr;
    read->aio_sigevent.sigev_notify_function = [](sigval) {
        eventually([] { return go_on.load(); });
        Block inner{file, 7};
        inner_result = aio_read(inner) == 0 ? static_cast<int>(inner.await_result()) : -1;
    };
    REQUIRE(aio_read(read) == 0);
    for (int i = 0; i < 50; ++i) {
        Block other{file, 7};
        Seen seen;
        notify_by_thread(other, seen, nullptr);
        REQUIRE(aio_read(other) == 0);
        CHECK(eventually([&] { return seen.called.load(); }));
    }
    go_on = true;
    CHECK(eventually([] { return inner_result == 7; }));
}

POSIX_CASE("threads that are not the program's block all signals but the C library's own") {
    const Pipe pipe;
    const Pipe full;
    const BlockedSignal signal{SIGRTMIN};
    Block read{pipe.reader};
    const std::string much(200'000, 'w');
    Block write{full.writer, much};
    REQUIRE(aio_read(read.signals(signal)) == 0);
    REQUIRE(aio_write(write.signals(signal)) == 0);
    REQUIRE(eventually([&] { return readable_bytes(full.reader) > 0; }));
    unsigned others = 0;
    for (const pid_t tid : threads_now()) {
        const std::string text = status_of_thread(tid, "SigBlk:");
        if (tid == ::getpid() || text.empty()) {
            continue;
        }
        ++others;
        const unsigned long long mask = std::stoull(text, nullptr, 16);
        CAPTURE(text);
        for (int number = 1; number < 64; ++number) {
            if (number != SIGKILL && number != SIGSTOP && number != 32 && number != 33) {
                CHECK(((mask >> (number - 1)) & 1U) == 1U);
            }
        }
        // 33 is what setuid reaches every thread with. A thread that is being made blocks it.
        CHECK(eventually([tid] {
            const std::string now = status_of_thread(tid, "SigBlk:");
            return now.empty() || ((std::stoull(now, nullptr, 16) >> 32U) & 1U) == 0U;
        }));
    }
    CHECK(others >= 1); // the attendant
    pipe.fill("x");
    std::string drained(much.size(), '\0');
    for (std::size_t length = 0; length < much.size();) {
        const ssize_t part = ::read(full.reader, drained.data(), drained.size() - length);
        REQUIRE(part > 0);
        length += static_cast<std::size_t>(part);
    }
    CHECK(signal.next());
    CHECK(signal.next());
}

} // namespace
} // namespace aioxx::test
