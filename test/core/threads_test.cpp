// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "run_one.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

#include <poll.h>

using namespace aioxx::test;
using aioxx::CancelResult;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;

namespace {

constexpr std::size_t per_thread = 2000;
constexpr unsigned depth = 16;

/// What one thread writes and the other reads: ThreadSanitizer objects unless submitting and
/// reaping are seen to order it.
struct Operation {
    Iocb iocb;
    unsigned written_before_submit = 0;
    unsigned events = 0;
};

using Operations = std::array<Operation, per_thread>;

void submit_all(Context& context, Operations& operations, int fd, unsigned mark) {
    for (Operation& operation : operations) {
        operation.written_before_submit = mark;
        operation.iocb.prepare_poll(fd, POLLOUT);
        operation.iocb.set_data(&operation);
        std::error_code error;
        do {
            context.submit(operation.iocb, error);
            if (error) {
                CHECK(error.value() == EAGAIN); // until the reaper has made room
                std::this_thread::yield();
            }
        } while (error);
    }
}

/// Two threads submit while this one takes `count` events by `take`.
template <typename Take>
void check_two_submitters(Take take) {
    const Pipe pipe;
    const auto first = std::make_unique<Operations>();
    const auto second = std::make_unique<Operations>();
    Context context{depth};
    std::thread one{[&] { submit_all(context, *first, pipe.writer, 1); }};
    std::thread other{[&] { submit_all(context, *second, pipe.writer, 2); }};
    EventBatch events{depth};
    unsigned sum = 0;
    for (std::size_t reaped = 0; reaped < 2 * per_thread;) {
        reaped += take(context, events);
        for (const Event& event : events) {
            auto& operation = *event.data_as<Operation>();
            ++operation.events;
            sum += operation.written_before_submit;
        }
    }
    one.join();
    other.join();
    CHECK(sum == 3 * per_thread);
    std::size_t exactly_once = 0;
    for (const Operations* const operations : {first.get(), second.get()}) {
        for (const Operation& operation : *operations) {
            exactly_once += operation.events == 1 ? 1U : 0U;
        }
    }
    CHECK(exactly_once == 2 * per_thread);
}

TEST_CASE("two threads submit to one context while a third waits") {
    check_two_submitters(
        [](Context& context, EventBatch& events) { return context.wait(events, 1); });
}

TEST_CASE("two threads submit to one context while a third reaps") {
    check_two_submitters([](Context& context, EventBatch& events) {
        const std::size_t count = context.reap(events);
        if (count == 0) {
            std::this_thread::yield();
        }
        return count;
    });
}

TEST_CASE("two threads submit to one context while a third reaps and waits in turns") {
    check_two_submitters([](Context& context, EventBatch& events) {
        const std::size_t count = context.reap(events);
        return count != 0 ? count : context.wait(events, 1);
    });
}

TEST_CASE("a thread cancels what another one submitted") {
    const Pipe pipe;
    constexpr std::size_t rounds = 200;
    Iocb iocb;
    Context context{1};
    std::atomic<std::size_t> submitted{0};
    std::size_t requested = 0;
    std::thread canceller{[&] {
        for (std::size_t i = 1; i <= rounds; ++i) {
            while (submitted.load() < i) {
                std::this_thread::yield();
            }
            requested += context.cancel(iocb) == CancelResult::requested ? 1U : 0U;
        }
    }};
    for (std::size_t i = 1; i <= rounds; ++i) {
        iocb.prepare_poll(pipe.reader, POLLIN);
        context.submit(iocb);
        submitted = i;
        CHECK(next_event(context).poll_was_cancelled());
    }
    canceller.join();
    CHECK(requested == rounds);
}

TEST_CASE("threads that each have a context of their own do not meet") {
    std::array<std::thread, 4> threads;
    std::atomic<unsigned> good{0};
    for (std::thread& thread : threads) {
        thread = std::thread{[&good] {
            const Pipe pipe;
            Iocb iocb;
            Context context{1};
            EventBatch events{1};
            for (int i = 0; i < 500; ++i) {
                iocb.prepare_poll(pipe.writer, POLLOUT);
                context.submit(iocb);
                context.wait(events, 1);
                good += &events[0].iocb() == &iocb ? 1U : 0U;
            }
        }};
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(good == 2000);
}

} // namespace
