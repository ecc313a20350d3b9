// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Context under a kernel that does what the real one does too seldom to be tested by.
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <aioxx/core/context.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <random>
#include <vector>

using namespace aioxx::test;
using aioxx::CancelResult;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;

namespace {

struct OnModel {
    explicit OnModel(unsigned depth = 4) : context(depth), events(depth) {
        for (Iocb& iocb : iocbs) {
            pointers.push_back(&iocb);
        }
    }

    ScriptedKernel scripted; // first, so that it outlives the context
    KernelModel& model = scripted.model();
    std::array<Iocb, 4> iocbs;
    std::vector<Iocb*> pointers;
    Context context;
    EventBatch events;
};

TEST_CASE("setup passes every error on") {
    ScriptedKernel scripted;
    for (const int number : errors_of(Call::setup)) {
        CAPTURE(number);
        scripted.answer(Call::setup, {Answer::error(number), Answer::error(number)});
        std::error_code error;
        const Context context{1, error};
        CHECK(error == std::error_code(number, std::generic_category()));
        CHECK(!context.is_open());
        CHECK_THROWS_AS(Context{1}, std::system_error);
    }
    CHECK(scripted.calls(Call::destroy) == 0); // nothing was made
}

TEST_CASE("a short submit leaves the remaining iocbs reusable") {
    OnModel m;
    m.scripted.answer(Call::submit, {Answer::at_most(1), Answer::error(EAGAIN)});
    std::error_code error;
    CHECK(m.context.submit(m.pointers, error) == 1);
    CHECK(!error);
    const std::span<Iocb* const> rest = std::span{m.pointers}.subspan(1);
    CHECK(m.context.submit(rest, error) == 0);
    CHECK(error.value() == EAGAIN);
    CHECK(m.context.submit(rest, error) == 3);
    CHECK(!error);
    CHECK(m.model.in_flight().size() == 4);
}

TEST_CASE("every error of a call is passed on as it is, and nothing else changes") {
    OnModel m;
    std::error_code error;
    for (const int number : errors_of(Call::submit)) {
        m.scripted.answer(Call::submit, {Answer::error(number)});
        CHECK(m.context.submit(m.pointers, error) == 0);
        CHECK(error == std::error_code(number, std::generic_category()));
    }
    CHECK(m.context.submit(m.pointers, error) == 4);
    m.model.complete(0, 1);
    for (const int number : errors_of(Call::get_events)) {
        m.scripted.answer(Call::get_events, {Answer::error(number)});
        CHECK(m.context.wait(m.events, 1, error) == 0);
        CHECK(error == std::error_code(number, std::generic_category()));
        CHECK(m.events.empty());
    }
    CHECK(m.context.wait(m.events, 1, error) == 1);
    CHECK(!error);
    CHECK(m.context.is_open());
}

TEST_CASE("result and result2 are passed on uninterpreted") {
    OnModel m;
    using Limit = std::numeric_limits<std::int64_t>;
    m.context.submit(m.pointers);
    m.model.complete(0, Limit::max(), Limit::min());
    m.model.complete(0, -4711, 42);
    m.model.complete(0, std::int64_t{1} << 40, -1);
    m.model.complete(0, -ESHUTDOWN, -ESHUTDOWN);
    REQUIRE(m.context.wait(m.events, 4) == 4);
    CHECK(m.events[0].result() == Limit::max());
    CHECK(m.events[0].result2() == Limit::min());
    CHECK(m.events[1].result() == -4711);
    CHECK(m.events[1].result2() == 42);
    CHECK(m.events[2].result() == std::int64_t{1} << 40);
    CHECK(m.events[2].result2() == -1);
    CHECK(!m.events[2].error());
    CHECK(m.events[3].error().value() == ESHUTDOWN);
}

TEST_CASE("reaping makes no call where there is a ring") {
    SKIP_UNDER_VALGRIND("the library reaps by call there");
    OnModel m;
    REQUIRE(m.context.reaps_from_ring());
    const std::size_t before = m.scripted.calls();
    CHECK(m.context.reap(m.events) == 0);
    m.context.submit(m.pointers);
    m.model.complete(3, 1);
    m.model.complete(0, 2);
    CHECK(m.context.reap(m.events) == 2);
    CHECK(&m.events[0].iocb() == m.pointers[3]);
    CHECK(&m.events[1].iocb() == m.pointers[0]);
    CHECK(m.scripted.calls() == before + 1); // the submit
}

TEST_CASE("reaping falls back to the call where there is no ring") {
    ScriptedKernel scripted;
    scripted.model().set_rings(false); // as in gVisor
    Iocb iocb;
    Context context{1};
    EventBatch events{1};
    CHECK(!context.reaps_from_ring());
    CHECK(context.reap(events) == 0);
    CHECK(scripted.calls(Call::get_events) == 1);
    context.submit(iocb);
    scripted.model().complete(0, 8);
    CHECK(context.reap(events) == 1);
    CHECK(events[0].result() == 8);
    std::error_code error;
    scripted.answer(Call::get_events, {Answer::error(ENOSYS), Answer::error(EINTR)});
    CHECK(context.reap(events, error) == 0);
    CHECK(error.value() == ENOSYS);
    CHECK_THROWS_AS(context.reap(events), std::system_error);
}

TEST_CASE("cancel has words for each answer") {
    OnModel m;
    std::error_code error;
    Iocb& iocb = m.iocbs[0];
    for (const int number : errors_of(Call::cancel)) {
        CAPTURE(number);
        m.scripted.answer(Call::cancel, {Answer::error(number)});
        const CancelResult result = m.context.cancel(iocb, error);
        if (number == EINVAL) {
            CHECK(result == CancelResult::not_cancellable);
            CHECK(!error);
        } else {
            CHECK(result == CancelResult::failed);
            CHECK(error == std::error_code(number, std::generic_category()));
        }
    }
    m.scripted.answer(Call::cancel, {Answer::error(EINPROGRESS), Answer::result(0)});
    CHECK(m.context.cancel(iocb, error) == CancelResult::requested);
    CHECK(!error);
    CHECK(m.context.cancel(iocb, error) == CancelResult::requested); // as before 2013
    CHECK(!error);
}

TEST_CASE("a close that fails leaves nothing to close again") {
    OnModel m;
    m.scripted.answer(Call::destroy, {Answer::error(EINVAL)});
    std::error_code error;
    m.context.close(error);
    CHECK(error.value() == EINVAL);
    CHECK(!m.context.is_open());
    m.context.close(error);
    CHECK(!error);
    CHECK(m.scripted.calls(Call::destroy) == 1);
    CHECK(m.scripted.misuses() == 0);
}

TEST_CASE("inert contexts make no call") {
    OnModel m;
    Context moved{std::move(m.context)};
    const std::size_t before = m.scripted.calls();
    std::error_code error;
    m.context.submit(m.pointers, error);
    m.context.wait(m.events, 1, error);
    m.context.reap(m.events, error);
    m.context.cancel(m.iocbs[0], error);
    m.context.close(error);
    CHECK(m.scripted.calls() == before);
    moved.close();
    CHECK(m.scripted.calls() == before + 1);
}

// Whatever the order, the size of the batches and the way of reaping: each comes once, as it was.
TEST_CASE("in any order each operation comes back exactly once") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const auto below = [&random](std::size_t limit) { return random() % limit; };
        ScriptedKernel scripted;
        KernelModel& model = scripted.model();
        model.set_rings(below(2) == 0);
        constexpr std::size_t count = 64;
        std::vector<Iocb> iocbs(count);
        std::array<std::int64_t, count> expected{};
        std::array<unsigned, count> seen{};
        Context context{static_cast<unsigned>(below(8) + 1)};
        const auto complete_one = [&] {
            const std::vector<KernelModel::Operation> in_flight = model.in_flight();
            if (in_flight.empty()) {
                return false;
            }
            const std::size_t place = below(in_flight.size());
            const auto which = static_cast<std::size_t>(in_flight[place].submitted.data);
            expected[which] = static_cast<std::int64_t>(below(4096)) - 1024;
            model.complete(place, expected[which]);
            return true;
        };
        model.on_wait(complete_one);
        EventBatch events{below(5) + 1};
        std::size_t submitted = 0;
        std::size_t reaped = 0;
        while (reaped < count) {
            std::vector<Iocb*> next;
            for (std::size_t i = submitted; i < std::min(count, submitted + below(6)); ++i) {
                iocbs[i].prepare_read(0, {}, 0);
                iocbs[i].set_data(std::uint64_t{i});
                next.push_back(&iocbs[i]);
            }
            std::error_code error;
            submitted += context.submit(next, error);
            REQUIRE((!error || error.value() == EAGAIN));
            for (std::size_t i = below(4); i > 0; --i) {
                complete_one();
            }
            if (below(2) == 0) {
                context.reap(events, error);
            } else if (reaped < submitted) {
                context.wait(events, 1, error);
            } else {
                context.wait_for(events, 1, std::chrono::nanoseconds{0}, error);
            }
            REQUIRE(!error);
            for (const Event& event : events) {
                const auto which = static_cast<std::size_t>(event.data());
                ++reaped;
                ++seen[which];
                REQUIRE(&event.iocb() == &iocbs[which]);
                REQUIRE(event.result() == expected[which]);
            }
        }
        REQUIRE(std::all_of(seen.begin(), seen.end(), [](unsigned times) { return times == 1; }));
        context.close();
        REQUIRE(model.lost() == 0);
        REQUIRE(scripted.misuses() == 0);
    }
}

} // namespace
