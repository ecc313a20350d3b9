// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// An engine where io_setup is refused, or io_submit later: workers alone do the same.

#include "blocked_in.hpp"
#include "descriptors.hpp"
#include "engine/running_engine.hpp"
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include <poll.h>
#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

constexpr std::size_t aio_block = 4096;

/// Of the smallest context that is tried the engine asks twice: 19 events, and 11.
Engine::Options shallow() {
    Engine::Options options;
    options.depth = 1;
    return options;
}

void refuse_setup(ScriptedKernel& kernel, int error) {
    kernel.answer(Call::setup, {Answer::error(error), Answer::error(error)});
}

File direct_disk_file(const TemporaryFile& content) {
    return File::open(("/proc/self/fd/" + std::to_string(content)).c_str(), O_RDWR | O_DIRECT);
}

/// Each kind of operation once, on files of each kind.
void use(RunningEngine& engine) {
    const TemporaryFile content{std::string(2 * aio_block, 'a')};
    const File direct = direct_disk_file(content);
    const File cached = File::borrow(content);
    Transfer write{std::string(aio_block, 'b')};
    engine.begin(write, Kind::write, direct, aio_block);
    Transfer flush;
    flush.request.after_writes = true;
    engine.begin(flush, Kind::fsync, direct);
    CHECK(engine.result_of(write) == aio_block);
    CHECK(engine.result_of(flush) == 0);
    Transfer read;
    engine.begin(read, Kind::read, direct, aio_block);
    CHECK(engine.result_of(read) == aio_block);
    CHECK(read.text() == std::string(aio_block, 'b'));
    engine.begin(read, Kind::read, direct, 1);
    CHECK(engine.result_of(read) == -EINVAL); // not aligned
    Transfer append{"end"};
    append.request.flags = RwFlags::append;
    engine.begin(append, Kind::write, cached);
    CHECK(engine.result_of(append) == 3);
    CHECK(content.content() == std::string(aio_block, 'a') + std::string(aio_block, 'b') + "end");

    const Pipe pipe;
    const File reader = File::borrow(pipe.reader);
    Transfer waits;
    engine.begin(waits, Kind::read, reader);
    CHECK(engine.completed_now() == nullptr);
    CHECK(waits.state() == State::watched);
    CHECK(engine->cancel(waits) == Cancellation::cancelled);
    CHECK(engine.result_of(waits) == -ECANCELED);
    engine.begin(waits, Kind::read, reader);
    Transfer poll;
    poll.request.bits = POLLIN;
    engine.begin(poll, Kind::poll, reader);
    CHECK(engine.completed_now() == nullptr);
    pipe.fill("abc");
    const engine::Operation& first = engine.next();
    const engine::Operation& second = engine.next();
    CHECK(&first != &second);
    CHECK(waits.result == 3);
    CHECK(poll.result == POLLIN);
}

TEST_CASE("where io_setup is refused workers do the same, and nothing is submitted") {
    for (const int error : {ENOSYS, EPERM, EAGAIN}) {
        CAPTURE(error);
        ScriptedKernel kernel{ScriptedKernel::Below::real};
        refuse_setup(kernel, error);
        {
            RunningEngine engine{shallow()};
            CHECK(kernel.calls(Call::setup) == 0); // nothing has wanted it yet
            use(engine);
            if (error != EAGAIN) { // where there may be room by now
                CHECK_FALSE(engine->uses_kernel_aio());
                CHECK(kernel.calls(Call::submit) == 0);
                CHECK(kernel.calls(Call::setup) == 1); // it is not asked again
            }
        }
        kernel.wait_until_closed();
    }
}

TEST_CASE("an error can be asked for instead") {
    for (const int error : {ENOSYS, EPERM, EAGAIN}) {
        ScriptedKernel kernel{ScriptedKernel::Below::real};
        refuse_setup(kernel, error);
        Engine::Options options = shallow();
        options.needs_kernel_aio = true;
        std::error_code failure;
        const Engine engine{options, failure};
        CHECK(failure.value() == error);
        CHECK_FALSE(engine.is_open());
    }
}

TEST_CASE("where there was no room the engine goes over when there is some") {
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    refuse_setup(kernel, EAGAIN);
    {
        RunningEngine engine{shallow()};
        const TemporaryFile content{std::string(aio_block, 'a')};
        const File direct = direct_disk_file(content);
        Transfer read;
        engine.begin(read, Kind::read, direct);
        CHECK(engine.result_of(read) == aio_block);
        CHECK(kernel.calls(Call::setup) == 2);
        CHECK_FALSE(engine->uses_slots());
        CHECK(eventually([&] {
            engine.begin(read, Kind::read, direct);
            CHECK(engine.result_of(read) == aio_block);
            return engine->uses_slots();
        }));
        CHECK(kernel.calls(Call::submit) > 0);
        CHECK(engine->depth() == 1);
    }
    kernel.wait_until_closed();
}

TEST_CASE("the wait by epoll that was begun without a context ends with one") {
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    refuse_setup(kernel, EAGAIN);
    {
        RunningEngine engine{shallow()};
        const Pipe pipe;
        const File reader = File::borrow(pipe.reader);
        Transfer waits;
        engine.begin(waits, Kind::read, reader);
        CHECK(waits.state() == State::watched);
        CHECK_FALSE(engine->uses_slots());
        REQUIRE(eventually([&] { return engine->uses_kernel_aio(); }));
        engine->flush();
        pipe.fill("abc");
        CHECK(engine.result_of(waits) == 3);
    }
    kernel.wait_until_closed();
}

TEST_CASE("where io_submit is refused later, what was under way and what follows is done") {
    for (const int error : {ENOSYS, EPERM}) {
        CAPTURE(error);
        ScriptedKernel kernel{ScriptedKernel::Below::real};
        {
            RunningEngine engine{shallow()};
            use(engine);
            REQUIRE(engine->uses_slots());
            kernel.answer(Call::submit, {Answer::error(error), Answer::error(error),
                                         Answer::error(error), Answer::error(error)});
            use(engine);
            CHECK_FALSE(engine->uses_kernel_aio());
            const std::size_t submits = kernel.calls(Call::submit);
            use(engine);
            CHECK(kernel.calls(Call::submit) == submits);
        }
        kernel.wait_until_closed();
    }
}

TEST_CASE("an event loop hears of a stream that is ready, with kernel AIO and without") {
    for (const int error : {0, ENOSYS}) {
        CAPTURE(error);
        ScriptedKernel kernel{ScriptedKernel::Below::real};
        if (error != 0) {
            refuse_setup(kernel, error);
        }
        {
            Engine::Options options = shallow();
            options.event_fd = true;
            RunningEngine engine{options};
            const Pipe pipe;
            const File reader = File::borrow(pipe.reader);
            Transfer waits;
            engine.begin(waits, Kind::read, reader);
            CHECK(engine.completed_now() == nullptr);
            std::error_code ignored;
            engine->event_counter()->read(ignored);
            pollfd loop{engine->loop_fd(), POLLIN, 0};
            CHECK(::poll(&loop, 1, 0) == 0);
            pipe.fill("abc");
            CHECK(::poll(&loop, 1, -1) == 1);
            CHECK(engine.result_of(waits) == 3);
        }
        kernel.wait_until_closed();
    }
}

TEST_CASE("a thread that sleeps hears of a stream that is waited for since") {
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    refuse_setup(kernel, ENOSYS);
    {
        RunningEngine engine{shallow()};
        std::atomic<bool> returned{false};
        std::thread sleeper{[&] {
            engine->await_event(std::chrono::hours{1});
            returned = true;
        }};
        CHECK(eventually(
            [&] { return engine->mailbox().has_sleeper(engine::Mailbox::Sleep::ring); }));
        const Pipe pipe;
        const File reader = File::borrow(pipe.reader);
        Transfer waits;
        engine.begin(waits, Kind::read, reader);
        CHECK(eventually([&] { return returned.load(); })); // to sleep anew, by what there is now
        engine->wake();
        sleeper.join();
        pipe.fill("abc");
        CHECK(engine.result_of(waits) == 3);
    }
    kernel.wait_until_closed();
}

TEST_CASE("where io_getevents is refused, waits go on by another call, and do not spin") {
    SKIP_UNDER_VALGRIND("it has no ring to look into: each look is a call");
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    {
        RunningEngine engine{shallow()};
        REQUIRE(engine->uses_kernel_aio());
        engine->flush();
        for (int i = 0; i < 64; ++i) {
            kernel.answer(Call::get_events, {Answer::error(ENOSYS)});
        }
        const Pipe pipe;
        const File reader = File::borrow(pipe.reader);
        Transfer waits;
        engine.begin(waits, Kind::read, reader);
        const std::size_t calls = kernel.calls(Call::get_events);
        std::error_code error;
        const std::chrono::nanoseconds short_wait = std::chrono::milliseconds{1};
        for (int i = 0; i < 8; ++i) {
            engine->wait(&short_wait, error);
            CHECK(!error);
        }
        CHECK(kernel.calls(Call::get_events) <= calls + 1);
        pipe.fill("abc");
        CHECK(engine.result_of(waits) == 3);
    }
    kernel.wait_until_closed();
}

TEST_CASE("where io_getevents is refused, what workers had to submit is seen as well") {
    ScriptedKernel kernel;
    {
        RunningEngine engine{shallow()};
        REQUIRE(engine->uses_kernel_aio());
        const TemporaryFile content{"abc"};
        const File file = File::borrow(content);
        engine::OpenFile& used = engine.file_of(file);
        used.traits.direct = true;
        used.traits.starting_waits = true; // so that a worker submits
        used.usual_read = engine::RoutePolicy::usual_read(used.traits);
        Transfer read;
        engine.begin(read, Kind::read, file);
        const auto place = [&] {
            const auto all = kernel.model().in_flight();
            const auto found =
                std::ranges::find(all, &read.iocb.raw(), &KernelModel::Operation::iocb);
            return found == all.end() ? -1 : found - all.begin();
        };
        REQUIRE(eventually([&] { return place() >= 0; }));
        // A look comes before the wait where something was reported, and takes an answer as well.
        for (int i = 0; i < 4; ++i) {
            kernel.answer(Call::get_events, {Answer::error(EPERM)});
        }
        std::atomic<bool> returned{false};
        std::atomic<pid_t> tid{0};
        std::thread sleeper{[&] {
            tid = thread_id();
            CHECK(&engine.next() == &read);
            returned = true;
        }};
        CHECK(eventually([&] { return tid != 0; }));
        CHECK(wait_until_blocked_in(tid, SYS_ppoll));
        kernel.model().complete(static_cast<std::size_t>(place()), 3);
        CHECK(eventually([&] { return returned.load(); }));
        engine->wake();
        sleeper.join();
    }
    kernel.wait_until_closed();
}

} // namespace
} // namespace aioxx::test
