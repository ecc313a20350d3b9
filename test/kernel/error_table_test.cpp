// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Every error of setup, destroy, cancel and get_events; submit_error_table_test.cpp has the rest.
#include "two_ways.hpp"

#include <aioxx/core/limits.hpp>

#include <array>
#include <csignal>

#include <poll.h>
#include <sys/mman.h>

using namespace aioxx::test;
namespace kernel = aioxx::kernel;

namespace {

struct Fixture : ActedOn {
    Fixture() { sigemptyset(&no_signals); }

    /// A poll that waits until the test ends it.
    IocbLayout* waiting_poll() {
        kernel::prepare_poll(iocb, pipe.reader, POLLIN);
        IocbLayout* one = &iocb;
        return kernel::submit(live, 1, &one) == 1 ? &iocb : nullptr;
    }
    /// An operation that has completed; its event can be taken.
    void complete_one() {
        kernel::prepare_poll(iocb, pipe.writer, POLLOUT);
        IocbLayout* one = &iocb;
        kernel::submit(live, 1, &one);
    }
    void take_all() {
        while (kernel::get_events(live, 0, 8, events.data(), 0, nullptr) > 0) {
        }
    }

    /// A pointer that a system call cannot read or write.
    template <typename T>
    T* bad() const {
        return static_cast<T*>(no_access.at);
    }

    Page no_access{PROT_NONE};
    Page own_memory{PROT_READ | PROT_WRITE};
    std::array<EventLayout, 8> events{};
    sigset_t no_signals{};
    const sigset_t* mask = nullptr; // of the rows for get_events
    Timeout timeout = 0;
};

Handle handle_at(const void* address) {
    return reinterpret_cast<Handle>(address);
}

TEST_CASE("setup and destroy answer as the system calls do") {
    SKIP_UNDER_VALGRIND("it reads the ring of a bogus context itself, and crashes");
    Fixture fixture;
    const Row<Fixture> rows[] = {
        row<Fixture>("setup with a bad pointer", -EFAULT,
                     [](auto calls, Fixture& f) { return calls.setup(1, f.bad<Handle>()); }),
        row<Fixture>("setup into a handle that is not zero", -EINVAL,
                     [](auto calls, Fixture&) {
                         Handle handle = 1;
                         return calls.setup(1, &handle);
                     }),
        row<Fixture>("setup for no operations", -EINVAL,
                     [](auto calls, Fixture&) {
                         Handle handle = 0;
                         return calls.setup(0, &handle);
                     }),
        row<Fixture>("setup for absurdly many", -EINVAL,
                     [](auto calls, Fixture&) {
                         Handle handle = 0;
                         return calls.setup(0x7fffffff, &handle);
                     }),
        row<Fixture>("setup and destroy", 0,
                     [](auto calls, Fixture&) {
                         Handle handle = 0;
                         const int made = calls.setup(1, &handle);
                         return made == 0 && handle != 0 ? calls.destroy(handle) : -1;
                     }),
        row<Fixture>("destroy of no context", -EINVAL,
                     [](auto calls, Fixture&) { return calls.destroy(0); }),
        row<Fixture>("destroy of a number", -EINVAL,
                     [](auto calls, Fixture&) { return calls.destroy(1); }),
        row<Fixture>(
            "destroy of memory without access", -EINVAL,
            [](auto calls, Fixture& f) { return calls.destroy(handle_at(f.no_access.at)); }),
        row<Fixture>(
            "destroy of memory that is no ring", -EINVAL,
            [](auto calls, Fixture& f) { return calls.destroy(handle_at(f.own_memory.at)); }),
        row<Fixture>("a second destroy", -EINVAL,
                     [](auto calls, Fixture& f) { return calls.destroy(f.destroyed); }),
    };
    check_rows(rows, fixture);
}

TEST_CASE("setup above the system-wide limit is EAGAIN on either way in") {
    const auto allowed = aioxx::limits().allowed;
    constexpr std::uint64_t absurd = 0x10000000 / 32 / 2; // EINVAL from there on
    if (allowed + 1 >= absurd) {
        SKIP_CASE("fs.aio-max-nr is above what one context may ask for");
    }
    Handle handle = 0;
    CHECK(ThroughSeam::setup(static_cast<unsigned>(allowed) + 1, &handle) == -EAGAIN);
    CHECK(RawCall::setup(static_cast<unsigned>(allowed) + 1, &handle) == -EAGAIN);
    CHECK(handle == 0);
}

TEST_CASE("cancel answers as the system call does") {
    SKIP_UNDER_VALGRIND("bad pointers are errors there");
    Fixture fixture;
    const Row<Fixture> rows[] = {
        row<Fixture>(
            "in no context", -EINVAL,
            [](auto calls, Fixture& f) { return calls.cancel(0, &f.iocb, f.events.data()); }),
        row<Fixture>("in memory that is no ring", -EINVAL,
                     [](auto calls, Fixture& f) {
                         return calls.cancel(handle_at(f.own_memory.at), &f.iocb, f.events.data());
                     }),
        row<Fixture>("in a destroyed context", -EINVAL,
                     [](auto calls, Fixture& f) {
                         return calls.cancel(f.destroyed, &f.iocb, f.events.data());
                     }),
        row<Fixture>(
            "a null iocb", -EFAULT,
            [](auto calls, Fixture& f) { return calls.cancel(f.live, nullptr, f.events.data()); }),
        row<Fixture>("an iocb in memory without access", -EFAULT,
                     [](auto calls, Fixture& f) {
                         return calls.cancel(f.live, f.bad<IocbLayout>(), f.events.data());
                     }),
        row<Fixture>("an iocb that was never submitted", -EINVAL,
                     [](auto calls, Fixture& f) {
                         IocbLayout never;
                         return calls.cancel(f.live, &never, f.events.data());
                     }),
        row<Fixture>("an iocb with a key that the kernel did not write", -EINVAL,
                     [](auto calls, Fixture& f) {
                         IocbLayout* const poll = f.waiting_poll();
                         poll->key = 1;
                         const int result = calls.cancel(f.live, poll, f.events.data());
                         poll->key = 0;
                         kernel::cancel(f.live, poll, f.events.data());
                         f.take_all();
                         return result;
                     }),
        row<Fixture>("an operation that has completed", -EINVAL,
                     [](auto calls, Fixture& f) {
                         f.complete_one();
                         const int result = calls.cancel(f.live, &f.iocb, f.events.data());
                         f.take_all();
                         return result;
                     }),
        row<Fixture>("a waiting poll", -EINPROGRESS,
                     [](auto calls, Fixture& f) {
                         const int result = calls.cancel(f.live, f.waiting_poll(), f.events.data());
                         f.take_all();
                         return result;
                     }),
        row<Fixture>("a waiting poll, twice", -EINVAL,
                     [](auto calls, Fixture& f) {
                         calls.cancel(f.live, f.waiting_poll(), f.events.data());
                         const int result = calls.cancel(f.live, &f.iocb, f.events.data());
                         f.take_all();
                         return result;
                     }),
        row<Fixture>("a waiting poll, with nowhere for the unused event", -EINPROGRESS,
                     [](auto calls, Fixture& f) {
                         const int result = calls.cancel(f.live, f.waiting_poll(), nullptr);
                         f.take_all();
                         return result;
                     }),
    };
    check_rows(rows, fixture);
}

template <typename Calls>
int get(Calls calls, Fixture& f, Handle handle, long min, long max) {
    return calls.get_events(handle, min, max, f.events.data(), f.timeout, f.mask);
}

/// The answers that depend on neither timeout nor mask.
void check_refused_get_events(Fixture& fixture) {
    const Row<Fixture> rows[] = {
        row<Fixture>("of no context", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, 0, 1, 8); }),
        row<Fixture>("of no context, none", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, 0, 0, 0); }),
        row<Fixture>("of a number", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, 1, 1, 8); }),
        row<Fixture>(
            "of memory without access", -EINVAL,
            [](auto calls, Fixture& f) { return get(calls, f, handle_at(f.no_access.at), 1, 8); }),
        row<Fixture>(
            "of memory that is no ring", -EINVAL,
            [](auto calls, Fixture& f) { return get(calls, f, handle_at(f.own_memory.at), 1, 8); }),
        row<Fixture>("of a destroyed context", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, f.destroyed, 1, 8); }),
        row<Fixture>("of a destroyed context, none", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, f.destroyed, 0, 8); }),
        row<Fixture>("with a minimum below 0", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, f.live, -1, 8); }),
        row<Fixture>("with a minimum above the maximum", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, f.live, 8, 7); }),
        row<Fixture>("with a maximum below 0", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, f.live, 0, -1); }),
        row<Fixture>("with both below 0", -EINVAL,
                     [](auto calls, Fixture& f) { return get(calls, f, f.live, -2, -1); }),
        row<Fixture>("none at all", 0,
                     [](auto calls, Fixture& f) { return get(calls, f, f.live, 0, 0); }),
        row<Fixture>("at least none of none", 0,
                     [](auto calls, Fixture& f) { return get(calls, f, f.live, 0, 8); }),
        row<Fixture>("at least one of one", 1,
                     [](auto calls, Fixture& f) {
                         f.complete_one();
                         return get(calls, f, f.live, 1, 8);
                     }),
        row<Fixture>("into memory without access", -EFAULT,
                     [](auto calls, Fixture& f) {
                         f.complete_one();
                         const int result = calls.get_events(f.live, 1, 8, f.bad<EventLayout>(),
                                                             f.timeout, f.mask);
                         f.take_all();
                         return result;
                     }),
    };
    check_rows(rows, fixture);
}

TEST_CASE("get_events answers as the system call does, for each timeout and mask") {
    SKIP_UNDER_VALGRIND("bad pointers are errors there, and it lacks io_pgetevents");
    Fixture fixture;
    for (const sigset_t* mask : {static_cast<const sigset_t*>(nullptr),
                                 static_cast<const sigset_t*>(&fixture.no_signals)}) {
        for (const Timeout timeout : {Timeout{0}, Timeout{1'000'000}, kernel::forever}) {
            CAPTURE(mask != nullptr);
            CAPTURE(timeout);
            fixture.mask = mask;
            fixture.timeout = timeout;
            check_refused_get_events(fixture);
        }
    }
}

TEST_CASE("get_events with too little time gives what there is, and no error") {
    SKIP_UNDER_VALGRIND("it lacks io_pgetevents");
    Fixture fixture;
    for (const sigset_t* mask : {static_cast<const sigset_t*>(nullptr),
                                 static_cast<const sigset_t*>(&fixture.no_signals)}) {
        for (const Timeout timeout : {Timeout{0}, Timeout{1}, Timeout{1'000'000}}) {
            fixture.mask = mask;
            fixture.timeout = timeout;
            const Row<Fixture> rows[] = {
                row<Fixture>("one of none", 0,
                             [](auto calls, Fixture& f) { return get(calls, f, f.live, 1, 8); }),
                row<Fixture>("two of one", 1,
                             [](auto calls, Fixture& f) {
                                 f.complete_one();
                                 return get(calls, f, f.live, 2, 8);
                             }),
            };
            check_rows(rows, fixture);
        }
    }
}

extern "C" void ignore_signal(int) {}

/// SIGUSR1 has a handler and is blocked, for as long as this lives.
struct BlockedSignal {
    explicit BlockedSignal(int flags) {
        struct sigaction action {};
        action.sa_handler = ignore_signal;
        action.sa_flags = flags;
        sigaction(SIGUSR1, &action, &action_before);
        sigset_t usr1;
        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &usr1, &mask_before);
    }
    BlockedSignal(const BlockedSignal&) = delete;
    BlockedSignal& operator=(const BlockedSignal&) = delete;
    ~BlockedSignal() {
        pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
        sigaction(SIGUSR1, &action_before, nullptr);
    }

    struct sigaction action_before {};
    sigset_t mask_before{};
};

TEST_CASE(
    "get_events whose mask lets a signal in is EINTR with nothing at hand, SA_RESTART or not") {
    SKIP_UNDER_VALGRIND("it lacks io_pgetevents");
    Fixture fixture;
    fixture.mask = &fixture.no_signals;
    fixture.timeout = kernel::forever;
    for (const int flags : {0, SA_RESTART}) {
        const BlockedSignal blocked{flags};
        const Row<Fixture> rows[] = {
            row<Fixture>("with nothing at hand", -EINTR,
                         [](auto calls, Fixture& f) {
                             raise(SIGUSR1);
                             return get(calls, f, f.live, 1, 8);
                         }),
            row<Fixture>("with one of two at hand", 1,
                         [](auto calls, Fixture& f) {
                             f.complete_one();
                             raise(SIGUSR1);
                             return get(calls, f, f.live, 2, 8);
                         }),
        };
        check_rows(rows, fixture);
    }
}

} // namespace
