// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What the kernel does beyond its error numbers, where the classes above rely on it.
#include "blocked_in.hpp"
#include "descriptors.hpp"
#include "two_ways.hpp"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <poll.h>

using namespace aioxx::test;
namespace kernel = aioxx::kernel;

namespace {

struct SeamContext {
    explicit SeamContext(unsigned depth) { REQUIRE(kernel::setup(depth, &handle) == 0); }
    SeamContext(const SeamContext&) = delete;
    SeamContext& operator=(const SeamContext&) = delete;
    ~SeamContext() { kernel::destroy(handle); }

    int take(long min, long max, EventLayout* events, Timeout timeout = kernel::forever) const {
        return kernel::get_events(handle, min, max, events, timeout, nullptr);
    }

    Handle handle = 0;
};

TEST_CASE("the backend says which one it is") {
    const std::string_view backend = kernel::backend();
    const bool known = backend == "libaio" || backend == "syscall";
    CHECK(known);
}

TEST_CASE("the kernel writes 0 into the key of what it accepts") {
    const SeamContext context{1};
    const Pipe pipe;
    IocbLayout iocb;
    kernel::prepare_poll(iocb, pipe.writer, POLLOUT);
    iocb.key = 4711;
    IocbLayout* one = &iocb;
    REQUIRE(kernel::submit(context.handle, 1, &one) == 1);
    CHECK(iocb.key == 0);
}

TEST_CASE("the same iocb twice in flight gives two events") {
    const SeamContext context{2};
    const Pipe pipe;
    IocbLayout iocb;
    kernel::prepare_poll(iocb, pipe.reader, POLLIN);
    iocb.data = 17;
    std::array<IocbLayout*, 2> both{&iocb, &iocb};
    REQUIRE(kernel::submit(context.handle, 2, both.data()) == 2);
    pipe.fill("x");
    std::array<EventLayout, 2> events{};
    REQUIRE(context.take(2, 2, events.data()) == 2);
    for (const EventLayout& event : events) {
        CHECK(event.iocb == reinterpret_cast<std::uintptr_t>(&iocb));
        CHECK(event.data == 17);
        CHECK((event.result & POLLIN) != 0);
    }
}

TEST_CASE("a count above the ring's size is clamped, not refused") {
    SKIP_UNDER_VALGRIND("it checks the whole array, beyond what the kernel reads");
    const SeamContext context{1};
    const Descriptor zero{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    constexpr long count = 5000; // a ring of one operation and 64 processors has 1022 slots
    char byte = 0;
    std::vector<IocbLayout> iocbs(count);
    std::vector<IocbLayout*> pointers;
    for (IocbLayout& iocb : iocbs) {
        kernel::prepare_read(iocb, zero, &byte, 1, 0);
        pointers.push_back(&iocb);
    }
    const int accepted = kernel::submit(context.handle, count, pointers.data());
    CHECK(accepted >= 1);
    CHECK(accepted < count);
}

TEST_CASE("closing a context ends the wait of another thread with EINVAL") {
    Handle handle = 0;
    REQUIRE(kernel::setup(1, &handle) == 0);
    std::atomic<pid_t> waiter{0};
    int answer = 0;
    std::thread thread{[&] {
        EventLayout event;
        waiter = thread_id();
        answer = kernel::get_events(handle, 1, 1, &event, kernel::forever, nullptr);
    }};
    while (waiter == 0) {
        std::this_thread::yield();
    }
    const bool blocked = wait_until_blocked_in(waiter, SYS_io_getevents);
    CHECK(kernel::destroy(handle) == 0);
    thread.join();
    CHECK(blocked);
    CHECK(name_of(answer) == "-EINVAL");
}

TEST_CASE("a wait that consumes nothing says EFAULT once something is there") {
    SKIP_UNDER_VALGRIND("a null array of events is an error there");
    const SeamContext context{1};
    const Pipe pipe;
    IocbLayout iocb;
    kernel::prepare_poll(iocb, pipe.writer, POLLOUT);
    IocbLayout* one = &iocb;
    REQUIRE(kernel::submit(context.handle, 1, &one) == 1);
    CHECK(name_of(context.take(1, 1, nullptr)) == "-EFAULT");
    EventLayout event;
    CHECK(context.take(1, 1, &event) == 1); // it was not taken
}

// The libaio backend keeps account of live contexts in slots that contexts can share.
TEST_CASE("many contexts at once each answer for themselves, dead ones with EINVAL") {
    constexpr unsigned count = 300;
    std::vector<Handle> handles;
    for (unsigned i = 0; i < count; ++i) {
        Handle handle = 0;
        const int made = kernel::setup(1, &handle);
        if (made != 0) {
            CHECK(name_of(made) == "-EAGAIN"); // others use AIO as well
            break;
        }
        handles.push_back(handle);
    }
    EventLayout event;
    for (const Handle handle : handles) {
        CHECK(kernel::get_events(handle, 1, 1, &event, 0, nullptr) == 0);
    }
    // In parallel, because each takes some 40 ms: once for all rather than one after another.
    std::vector<std::thread> threads;
    std::atomic<unsigned> destroyed{0};
    for (const Handle handle : handles) {
        threads.emplace_back(
            [handle, &destroyed] { destroyed += kernel::destroy(handle) == 0 ? 1 : 0; });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(destroyed == handles.size());
    if (!under_valgrind()) {
        for (const Handle handle : handles) {
            CHECK(name_of(kernel::get_events(handle, 1, 1, &event, 0, nullptr)) == "-EINVAL");
        }
    }
}

} // namespace
