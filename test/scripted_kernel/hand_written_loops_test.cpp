// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The mistakes that loops written by hand make, and the forms that are right: doc/from-libaio.md
// has both. The wrong ones call the seam, which answers as libaio does.

#include "scripted_kernel/scripted_kernel.hpp"

#include <aioxx/core/context.hpp>
#include <aioxx/file/aligned_buffer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <system_error>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

constexpr std::size_t count = 4;
constexpr std::size_t block_size = 4096;

/// libaio's `struct io_event`.
struct LibaioEvent {
    void* data;
    void* obj;
    unsigned long res;
    unsigned long res2;
};

/// What a program does with its completions.
struct Program {
    std::size_t handled = 0;
    std::size_t failed = 0;
    std::vector<Iocb*> refused;

    void handle(const EventBatch& events) {
        for (const Event& event : events) {
            ++(event.error() ? failed : handled);
        }
    }
};

/// Four operations of a program, and a kernel that does what the case says.
struct Loop {
    Loop() {
        std::ranges::transform(iocbs, pointers.begin(), [](Iocb& iocb) { return &iocb; });
        std::ranges::transform(iocbs, layouts.begin(), [](Iocb& iocb) { return &iocb.raw(); });
    }
    void complete_all() {
        while (!kernel.model().in_flight().empty()) {
            kernel.model().complete(0, block_size);
        }
    }
    /// A wait that lacks events finds one completed, as long as there are any in flight; where
    /// there are none it would wait for ever, and the model ends it with EINTR.
    void complete_when_waited_for() {
        kernel.model().on_wait([this] {
            const bool any = !kernel.model().in_flight().empty();
            if (any) {
                kernel.model().complete(0, block_size);
            }
            return any;
        });
    }
    int io_submit(long number, kernel::IocbLayout** first) {
        return kernel::submit(context.native_handle(), number, first);
    }
    int io_getevents(long min, long max, kernel::EventLayout* out) {
        return kernel::get_events(context.native_handle(), min, max, out, kernel::forever, nullptr);
    }

    ScriptedKernel kernel; // it outlives the context
    std::array<Iocb, count> iocbs;
    std::array<Iocb*, count> pointers{};
    std::array<kernel::IocbLayout*, count> layouts{};
    EventBatch events{count};
    std::array<kernel::EventLayout, count> raw_events;
    Context context{count};
    Program program;
};

/// The form that is right for the first and the second mistake with submit.
void submit_all(Context& context, EventBatch& events, std::span<Iocb* const> rest,
                Program& program) {
    while (!rest.empty()) {
        std::error_code error;
        rest = rest.subspan(context.submit(rest, error));
        if (error == std::errc::resource_unavailable_try_again) {
            context.wait(events, 1);
            program.handle(events);
        } else if (error) {
            program.refused.push_back(rest.front());
            rest = rest.subspan(1);
        }
    }
}

void wait_for_all(Context& context, EventBatch& events, std::size_t missing, Program& program) {
    while (missing > 0) {
        std::error_code error;
        missing -= context.wait(events, std::min(missing, events.capacity()), error);
        program.handle(events);
        if (error && error != std::errc::interrupted) {
            throw std::system_error{error, "io_getevents"};
        }
    }
}

TEST_CASE("libaio's result is never below zero, and Event::error() tells of the failure") {
    Loop loop;
    loop.context.submit(loop.iocbs[0]);
    loop.context.submit(loop.iocbs[1]);
    loop.kernel.model().complete(0, -EIO);
    loop.kernel.model().complete(0, block_size);
    SUBCASE("wrong") {
        REQUIRE(loop.io_getevents(2, count, loop.raw_events.data()) == 2);
        const auto result = static_cast<unsigned long>(loop.raw_events[0].result);
        const LibaioEvent event{nullptr, nullptr, result, 0};
        CHECK_FALSE(event.res < 0);    // the test that never holds
        CHECK(event.res > block_size); // and a read of very many bytes
    }
    SUBCASE("right") {
        REQUIRE(loop.context.wait(loop.events, 2) == 2);
        CHECK(loop.events[0].error() == std::errc::io_error);
        CHECK(loop.events[0].result() == -EIO);
        CHECK_FALSE(loop.events[1].error());
    }
}

TEST_CASE("the tail of a partial submit is not in flight until it is submitted again") {
    Loop loop;
    loop.complete_when_waited_for();
    loop.kernel.answer(Call::submit, {Answer::at_most(1)});
    SUBCASE("wrong") {
        REQUIRE(loop.io_submit(count, loop.layouts.data()) >= 0); // no error, so all is well?
        CHECK(loop.io_getevents(count, count, loop.raw_events.data()) == 1);
        // The next such wait is for ever: nothing is in flight, and three were never begun.
        CHECK(loop.io_getevents(count - 1, count, loop.raw_events.data()) == -EINTR);
        CHECK(loop.kernel.model().in_flight().empty());
    }
    SUBCASE("right") {
        submit_all(loop.context, loop.events, loop.pointers, loop.program);
        wait_for_all(loop.context, loop.events, count, loop.program);
        CHECK(loop.program.handled == count);
    }
    SUBCASE("right where one of them is refused") {
        loop.iocbs[2].raw().offset = -1;
        loop.kernel.model().set_refusal(
            [](const kernel::IocbLayout& iocb) { return iocb.offset < 0 ? EINVAL : 0; });
        submit_all(loop.context, loop.events, loop.pointers, loop.program);
        wait_for_all(loop.context, loop.events, count - 1, loop.program);
        CHECK(loop.program.handled == count - 1);
        CHECK(loop.program.refused == std::vector<Iocb*>{&loop.iocbs[2]});
    }
}

TEST_CASE("EAGAIN stays until events are reaped") {
    Loop loop;
    REQUIRE(loop.context.submit(loop.pointers) == count);
    loop.complete_all(); // and nothing is reaped
    std::array<Iocb, 2> more;
    SUBCASE("wrong") {
        kernel::IocbLayout* one = &more[0].raw();
        for (unsigned attempt = 0; attempt < 1000; ++attempt) {
            CHECK(loop.io_submit(1, &one) == -EAGAIN);
        }
    }
    SUBCASE("right") {
        const std::array<Iocb*, 2> pointers{&more[0], &more[1]};
        submit_all(loop.context, loop.events, pointers, loop.program);
        CHECK(loop.program.handled == count);
        CHECK(loop.kernel.model().in_flight().size() == 2);
        CHECK(loop.kernel.calls(Call::submit) == 3); // four, EAGAIN, two
        loop.complete_all();
        wait_for_all(loop.context, loop.events, 2, loop.program);
        CHECK(loop.program.handled == count + 2);
    }
}

TEST_CASE("after an interrupted wait only what is missing is waited for") {
    Loop loop;
    REQUIRE(loop.context.submit(loop.pointers) == count);
    loop.complete_when_waited_for();
    // A signal comes: one event was there, then none.
    loop.kernel.answer(Call::get_events, {Answer::at_most(1), Answer::error(EINTR)});
    SUBCASE("wrong") {
        CHECK(loop.io_getevents(count, count, loop.raw_events.data()) == 1);
        CHECK(loop.io_getevents(count, count, loop.raw_events.data()) == -EINTR);
        // Three are in flight, and four are waited for again: the kernel waits for ever. The model
        // gives what there was.
        CHECK(loop.io_getevents(count, count, loop.raw_events.data()) == count - 1);
        CHECK(loop.kernel.model().in_flight().empty());
    }
    SUBCASE("right") {
        wait_for_all(loop.context, loop.events, count, loop.program);
        CHECK(loop.program.handled == count);
        CHECK(loop.kernel.calls(Call::get_events) == 3);
    }
}

/// A read with all that the kernel may touch as long as it is in flight.
struct Read {
    Iocb iocb;
    AlignedBuffer block{block_size, block_size};
};

/// False where the time ran out: then it is in `reads` until its event comes.
bool read_within(Context& context, EventBatch& events, std::list<Read>& reads,
                 std::chrono::nanoseconds time) {
    Read& read = reads.emplace_back();
    read.iocb.prepare_read(0, read.block, 0);
    context.submit(read.iocb);
    if (context.wait_for(events, 1, time) == 0) {
        return false;
    }
    reads.remove_if([&](const Read& each) { return &each.iocb == &events[0].iocb(); });
    return true;
}

TEST_CASE("what a time-out leaves belongs to the kernel until its event comes") {
    Loop loop;
    loop.kernel.model().on_wait([] { return false; }); // time runs out
    SUBCASE("wrong") {
        const kernel::IocbLayout* gone = nullptr;
        {
            kernel::IocbLayout iocb; // on the stack
            kernel::IocbLayout* one = &iocb;
            gone = one;
            REQUIRE(loop.io_submit(1, &one) == 1);
            REQUIRE(kernel::get_events(loop.context.native_handle(), 1, 1, loop.raw_events.data(),
                                       1000, nullptr) == 0);
            CHECK(kernel::cancel(loop.context.native_handle(), one, loop.raw_events.data()) ==
                  -EINVAL); // a read cannot be taken back
        }
        CHECK(loop.kernel.model().in_flight().at(0).iocb == gone);
        loop.kernel.model().complete(0, block_size);
        REQUIRE(loop.io_getevents(1, 1, loop.raw_events.data()) == 1);
        const auto address = static_cast<std::uintptr_t>(loop.raw_events[0].iocb);
        CHECK(address == reinterpret_cast<std::uintptr_t>(gone)); // of another frame by now
    }
    SUBCASE("right") {
        std::list<Read> reads; // it stays for as long as the context
        CHECK_FALSE(read_within(loop.context, loop.events, reads, std::chrono::microseconds{1}));
        REQUIRE(reads.size() == 1);
        CHECK(loop.kernel.model().in_flight().at(0).iocb == &reads.front().iocb.raw());
        loop.kernel.model().complete(0, block_size);
        REQUIRE(loop.context.wait(loop.events, 1) == 1);
        CHECK(&loop.events[0].iocb() == &reads.front().iocb);
    }
}

TEST_CASE("64 threads share one context, where a context for each is refused") {
    constexpr unsigned threads = 64;
    constexpr unsigned depth = 1024;
    ScriptedKernel kernel;
    kernel.model().set_limit(65536);
    const Context of_another_program{322};
    SUBCASE("wrong") {
        std::vector<Context> contexts;
        std::error_code error;
        while (!error && contexts.size() < threads) {
            Context one{depth, error};
            if (!error) {
                contexts.push_back(std::move(one));
            }
        }
        CHECK(contexts.size() == threads - 1);
        CHECK(error == std::errc::resource_unavailable_try_again);
    }
    SUBCASE("right") {
        std::vector<Iocb> iocbs(threads);
        EventBatch events{threads};
        Context context{depth};
        std::atomic<unsigned> submitted = 0;
        std::vector<std::thread> submitters;
        submitters.reserve(threads);
        for (Iocb& iocb : iocbs) {
            submitters.emplace_back([&] {
                std::error_code error;
                context.submit(iocb, error);
                submitted += error ? 0 : 1;
            });
        }
        for (std::thread& each : submitters) {
            each.join();
        }
        CHECK(submitted == threads);
        kernel.model().on_wait([&] {
            kernel.model().complete(0, block_size);
            return true;
        });
        CHECK(context.wait(events, threads) == threads); // one thread reaps for all
    }
}

} // namespace
} // namespace aioxx::test
