// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// lio_listio: what it waits for, what it answers, and when the list's notification comes.

#include "posix/answer.hpp"
#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"

#include <atomic>
#include <pthread.h>
#include <thread>

namespace aioxx::test {
namespace {

sigevent signal_event(int number, int value) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = number;
    event.sigev_value.sival_int = value;
    return event;
}

POSIX_CASE("LIO_WAIT returns when all are done") {
    const TemporaryFile file{"content"};
    const Pipe pipe;
    Block read{file, 7};
    Block late{pipe.reader, 1};
    aiocb* const list[] = {read.as(LIO_READ), nullptr, late.as(LIO_READ)};
    std::thread writer{[&] {
        CHECK(eventually([&] { return !read.pending() && late.pending(); }));
        pipe.fill("x");
    }};
    CHECK(lio_listio(LIO_WAIT, list, 3, nullptr) == 0);
    CHECK(read.error() == 0);
    CHECK(read.result() == 7);
    CHECK(late.error() == 0);
    CHECK(late.result() == 1);
    writer.join();
}

POSIX_CASE("LIO_WAIT says EIO when one has failed, and all the others are done") {
    const TemporaryFile file{"content"};
    Block good{file, 7};
    Block bad{closed_descriptor(), 7};
    Block write{file, "more", 7};
    aiocb* const list[] = {good.as(LIO_READ), bad.as(LIO_READ), write.as(LIO_WRITE)};
    CHECK(answer([&] { return lio_listio(LIO_WAIT, list, 3, nullptr); }) == "-1 EIO");
    CHECK(good.error() == 0);
    CHECK(good.result() == 7);
    CHECK(bad.error() == EBADF);
    CHECK(write.error() == 0);
    CHECK(file.content() == "contentmore");
}

POSIX_CASE("LIO_WAIT ignores the list's notification") {
    const TemporaryFile file{"content"};
    const BlockedSignal signal{SIGRTMIN};
    sigevent event = signal_event(signal, 1);
    Block read{file, 7};
    aiocb* const list[] = {read.as(LIO_READ)};
    CHECK(lio_listio(LIO_WAIT, list, 1, &event) == 0);
    CHECK(!signal.there());
}

/// A LIO_WAIT on an empty pipe is interrupted; then its reads complete. Exit status 0 if all is
/// well.
int interrupted_wait() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &action, nullptr);
    const Pipe pipe;
    std::vector<Block> blocks;
    for (int i = 0; i < 8; ++i) {
        blocks.emplace_back(pipe.reader, 1).as(LIO_READ);
    }
    const std::vector<aiocb*> list = list_of(blocks);
    std::atomic<bool> returned{false};
    std::string said;
    std::thread waiter{[&] {
        said = answer([&] { return lio_listio(LIO_WAIT, list.data(), 8, nullptr); });
        std::string overwritten(4096, 'x'); // the list's place on the stack
        static_cast<void>(*static_cast<volatile char*>(overwritten.data()));
        returned = true;
    }};
    while (!returned) {
        ::pthread_kill(waiter.native_handle(), SIGUSR1);
        pause_briefly();
    }
    waiter.join();
    if (said != "-1 EINTR") {
        return 1;
    }
    pipe.fill("12345678");
    std::string received;
    for (const Block& block : blocks) {
        received += block.await_result() == 1 ? block.text() : "?";
    }
    return received == "12345678" ? 0 : 2;
}

POSIX_CASE("LIO_WAIT is interrupted with EINTR, and its requests go on to their end") {
    const ChildEnd end = run_in_child(interrupted_wait);
    if (on_glibc()) { // its threads count down on the stack of a call that has returned
        std::printf("glibc: status %d, signal %d\n", end.status, end.signal);
        return;
    }
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

POSIX_CASE("LIO_NOWAIT with an element that fails answers 0, and both notifications come") {
    const TemporaryFile file{"content"};
    const BlockedSignal single{SIGRTMIN};
    const BlockedSignal whole{SIGRTMIN + 1};
    Block good{file, 7};
    Block bad{closed_descriptor(), 7};
    good.signals(single).as(LIO_READ);
    bad.signals(single).as(LIO_READ);
    aiocb* const list[] = {good, bad};
    sigevent event = signal_event(whole, 42);
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, list, 2, &event); }) == accepted);
    const auto end = whole.next();
    REQUIRE(end);
    CHECK(end->si_value.sival_int == 42);
    CHECK(end->si_code == SI_ASYNCIO);
    CHECK(good.error() == 0);
    CHECK(bad.error() == EBADF);
    CHECK(bad.result() == -1);
    CHECK(single.next());
    CHECK(single.next());
    CHECK(!single.there());
    CHECK(!whole.there());
}

POSIX_CASE("the list's notification comes once, and after the last of its requests") {
    const Pipe pipe;
    const BlockedSignal whole{SIGRTMIN};
    std::vector<Block> blocks;
    for (int i = 0; i < 50; ++i) {
        blocks.emplace_back(pipe.reader, 1).as(LIO_READ);
    }
    const std::vector<aiocb*> list = list_of(blocks);
    sigevent event = signal_event(whole, 7);
    REQUIRE(lio_listio(LIO_NOWAIT, list.data(), 50, &event) == 0);
    pipe.fill(std::string(49, 'x'));
    CHECK(blocks[48].await_result() == 1);
    CHECK(!whole.there());
    pipe.fill("x");
    CHECK(whole.next());
    for (const Block& block : blocks) {
        CHECK(block.error() == 0);
    }
    CHECK(!whole.there());
}

/// The requests of a list, which complete in several ways: in the call, in a worker, with an error.
struct MixedList {
    MixedList() : read{file, 7}, bad{closed_descriptor(), 7}, write{file, "more", 7} {
        read.as(LIO_READ);
        bad.as(LIO_READ);
        write.as(LIO_WRITE);
    }
    static constexpr int size = 3;

    const TemporaryFile file{"content"};
    Block read;
    Block bad;
    Block write;
    std::array<aiocb*, size> blocks{read, write, bad};
};

POSIX_CASE("the list's signal comes after the signals of all its requests") {
    constexpr int rounds = 300;
    const BlockedSignal signal{SIGRTMIN}; // one number: signals of one are in order
    int early = 0;
    for (int i = 0; i < rounds; ++i) {
        MixedList list;
        list.read.signals(signal);
        list.bad.signals(signal);
        list.write.signals(signal);
        sigevent of_list = signal_event(signal, 0);
        of_list.sigev_value.sival_ptr = nullptr;
        REQUIRE(lio_listio(LIO_NOWAIT, list.blocks.data(), MixedList::size, &of_list) == 0);
        for (int taken = 0; taken <= MixedList::size; ++taken) {
            const auto info = signal.next();
            REQUIRE(info);
            early += taken < MixedList::size && info->si_value.sival_ptr == nullptr;
        }
    }
    if (on_glibc()) { // its threads send them side by side
        std::printf("glibc: %d of %d too early\n", early, rounds);
        return;
    }
    CHECK(early == 0);
}

POSIX_CASE("the list's thread, and its signal, come after the threads of all its requests") {
    constexpr int rounds = 100;
    static std::atomic<int> called;
    static std::atomic<int> seen_by_list;
    struct sigaction action {}; // any thread may take it, those of the notices as well
    action.sa_handler = [](int) { seen_by_list = called.load(); };
    REQUIRE(::sigaction(SIGRTMIN, &action, nullptr) == 0);
    int early = 0;
    for (int i = 0; i < rounds; ++i) {
        called = 0;
        seen_by_list = -1;
        MixedList list;
        for (aiocb* const block : list.blocks) {
            block->aio_sigevent.sigev_notify = SIGEV_THREAD;
            block->aio_sigevent.sigev_notify_attributes = nullptr;
            block->aio_sigevent.sigev_notify_function = [](sigval) { ++called; };
        }
        sigevent of_list = signal_event(SIGRTMIN, 0);
        if (i % 2 == 0) {
            of_list.sigev_notify = SIGEV_THREAD;
            of_list.sigev_notify_attributes = nullptr;
            of_list.sigev_notify_function = [](sigval) { seen_by_list = called.load(); };
        }
        REQUIRE(lio_listio(LIO_NOWAIT, list.blocks.data(), MixedList::size, &of_list) == 0);
        REQUIRE(eventually([] { return seen_by_list >= 0; }));
        early += seen_by_list < MixedList::size;
        REQUIRE(eventually([] { return called == MixedList::size; }));
    }
    if (on_glibc()) {
        std::printf("glibc: %d of %d too early\n", early, rounds);
        return;
    }
    CHECK(early == 0);
}

POSIX_CASE("the thread of a list's request may wait for the list's notice, or end itself") {
    static std::atomic<int> told;
    static std::atomic<int> called;
    sigevent of_list{};
    of_list.sigev_notify = SIGEV_THREAD;
    of_list.sigev_notify_function = [](sigval) { told = 1; };
    const auto waits = [](sigval) { called += eventually([] { return told == 1; }) ? 1 : 0; };
    const auto ends = [](sigval) {
        ++called;
        ::pthread_exit(nullptr);
    };
    for (void (*const function)(sigval) : {+waits, +ends}) {
        told = called = 0;
        MixedList list;
        for (aiocb* const block : list.blocks) {
            block->aio_sigevent.sigev_notify = SIGEV_THREAD;
            block->aio_sigevent.sigev_notify_attributes = nullptr;
            block->aio_sigevent.sigev_notify_function = function;
        }
        REQUIRE(lio_listio(LIO_NOWAIT, list.blocks.data(), MixedList::size, &of_list) == 0);
        CHECK(eventually([] { return called == MixedList::size && told == 1; }));
    }
}

POSIX_CASE("a list's notice comes though a request's thread can never be made") {
    const BlockedSignal whole{SIGRTMIN};
    pthread_attr_t impossible; // SCHED_FIFO has no priority 0
    ::pthread_attr_init(&impossible);
    ::pthread_attr_setinheritsched(&impossible, PTHREAD_EXPLICIT_SCHED);
    ::pthread_attr_setschedpolicy(&impossible, SCHED_FIFO);
    MixedList list;
    for (aiocb* const block : list.blocks) {
        block->aio_sigevent.sigev_notify = SIGEV_THREAD;
        block->aio_sigevent.sigev_notify_attributes = &impossible;
        block->aio_sigevent.sigev_notify_function = [](sigval) {};
    }
    sigevent of_list = signal_event(whole, 1);
    REQUIRE(lio_listio(LIO_NOWAIT, list.blocks.data(), MixedList::size, &of_list) == 0);
    CHECK(whole.next());
    ::pthread_attr_destroy(&impossible);
}

POSIX_CASE("a list with nothing to do notifies all the same") {
    const TemporaryFile file{"content"};
    const BlockedSignal whole{SIGRTMIN};
    Block nothing{file, 7};
    nothing.as(LIO_NOP);
    aiocb* const nulls[] = {nullptr, nullptr};
    aiocb* const no_operations[] = {nothing, nothing};
    sigevent event = signal_event(whole, 1);
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, nulls, 0, &event); }) == accepted);
    CHECK(whole.next());
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, nulls, 2, &event); }) == accepted);
    CHECK(whole.next());
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, no_operations, 2, &event); }) == accepted);
    CHECK(whole.next());
    CHECK(!whole.there());
    CHECK(answer([&] { return lio_listio(LIO_WAIT, nulls, 0, nullptr); }) == accepted);
    CHECK(answer([&] { return lio_listio(LIO_WAIT, nulls, 2, nullptr); }) == accepted);
    CHECK(answer([&] { return lio_listio(LIO_WAIT, no_operations, 2, nullptr); }) == accepted);
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, nulls, 2, nullptr); }) == accepted);
}

POSIX_CASE("a list with nothing to do notifies by a thread as well") {
    static std::atomic<int> called{0};
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_value.sival_int = 5;
    event.sigev_notify_function = [](sigval value) { called = value.sival_int; };
    aiocb* const nulls[] = {nullptr};
    CHECK(lio_listio(LIO_NOWAIT, nulls, 1, &event) == 0);
    CHECK(eventually([] { return called == 5; }));
}

POSIX_CASE("a list with a bad reqprio is -1 and EINVAL, and notifies all the same") {
    const TemporaryFile file{"content"};
    const BlockedSignal whole{SIGRTMIN};
    Block good{file, 7};
    Block bad{file, 7};
    bad->aio_reqprio = 21;
    aiocb* const list[] = {bad.as(LIO_READ), good.as(LIO_READ)};
    sigevent event = signal_event(whole, 1);
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, list, 2, &event); }) == invalid);
    CHECK(whole.next());
    CHECK(good.await_result() == 7);
    CHECK(bad.error() == EINVAL);

    aiocb* const only_bad[] = {bad};
    CHECK(answer([&] { return lio_listio(LIO_NOWAIT, only_bad, 1, &event); }) == invalid);
    CHECK(whole.next());
    CHECK(!whole.there());
}

POSIX_CASE(
    "LIO_WAIT with a bad reqprio is EIO where others ran, and EINVAL where none was started") {
    const TemporaryFile file{"content"};
    Block good{file, 7};
    Block bad{file, 7};
    bad->aio_reqprio = -1;
    aiocb* const list[] = {good.as(LIO_READ), bad.as(LIO_READ)};
    CHECK(answer([&] { return lio_listio(LIO_WAIT, list, 2, nullptr); }) == "-1 EIO");
    CHECK(good.result() == 7);
    CHECK(bad.error() == EINVAL);
    aiocb* const only_bad[] = {bad};
    CHECK(answer([&] { return lio_listio(LIO_WAIT, only_bad, 1, nullptr); }) == invalid);
}

POSIX_CASE("an element with an unknown operation fails with EINVAL, and alone") {
    const TemporaryFile file{"content"};
    Block good{file, 7};
    Block bad{file, 7};
    aiocb* const list[] = {bad.as(55), good.as(LIO_READ)};
    CHECK(answer([&] { return lio_listio(LIO_WAIT, list, 2, nullptr); }) == "-1 EIO");
    CHECK(bad.error() == EINVAL);
    CHECK(good.error() == 0);
    CHECK(good.result() == 7);
}

} // namespace
} // namespace aioxx::test
