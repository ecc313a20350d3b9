// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The model and the script themselves: what tests build on has to hold.
#include "descriptors.hpp"
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <aioxx/core/event_fd.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/uio.h>

using namespace aioxx::test;
namespace kernel = aioxx::kernel;
using kernel::EventLayout;
using kernel::Handle;
using kernel::IocbLayout;

namespace {

constexpr kernel::Timeout now = 0;

struct Modelled {
    explicit Modelled(unsigned depth = 4) { REQUIRE(kernel::setup(depth, &handle) == 0); }
    Modelled(const Modelled&) = delete;
    Modelled& operator=(const Modelled&) = delete;
    ~Modelled() { kernel::destroy(handle); }

    int submit(long count) {
        std::array<IocbLayout*, 4> pointers{&iocbs[0], &iocbs[1], &iocbs[2], &iocbs[3]};
        return kernel::submit(handle, count, pointers.data());
    }
    int take(long min, long max, kernel::Timeout timeout) {
        return kernel::get_events(handle, min, max, events.data(), timeout, nullptr);
    }

    ScriptedKernel scripted;
    KernelModel& model = scripted.model();
    Handle handle = 0;
    std::array<IocbLayout, 4> iocbs;
    std::array<EventLayout, 4> events{};
};

TEST_CASE("without a script, calls go to the real kernel") {
    Handle handle = 0;
    REQUIRE(kernel::setup(1, &handle) == 0);
    EventLayout event;
    CHECK(kernel::get_events(handle, 1, 1, &event, now, nullptr) == 0);
    CHECK(kernel::destroy(handle) == 0);
    CHECK(std::string_view{kernel::backend()} == "scripted");
}

TEST_CASE("there is one script at a time") {
    const ScriptedKernel first;
    CHECK_THROWS_AS(ScriptedKernel{}, std::logic_error);
}

TEST_CASE("the model completes nothing by itself, and what it is told in the order told") {
    Modelled m;
    for (std::size_t i = 0; i < 3; ++i) {
        m.iocbs[i].data = i;
    }
    CHECK(m.submit(3) == 3);
    CHECK(m.take(0, 4, now) == 0);
    REQUIRE(m.model.in_flight().size() == 3);
    CHECK(m.model.in_flight()[2].iocb == &m.iocbs[2]);
    m.model.complete(2, -5, 7);
    m.model.complete(0, 100);
    CHECK(m.take(2, 4, now) == 2);
    CHECK(m.events[0].iocb == reinterpret_cast<std::uintptr_t>(&m.iocbs[2]));
    CHECK(m.events[0].data == 2);
    CHECK(m.events[0].result == -5);
    CHECK(m.events[0].result2 == 7);
    CHECK(m.events[1].data == 0);
    CHECK(m.events[1].result == 100);
    REQUIRE(m.model.in_flight().size() == 1);
    CHECK(m.model.in_flight()[0].submitted.data == 1);
}

TEST_CASE("the model holds as many operations as it was asked to, unreaped ones included") {
    Modelled m{2};
    CHECK(m.submit(3) == 2);
    CHECK(m.submit(1) == -EAGAIN);
    m.model.complete(0, 0);
    CHECK(m.submit(1) == -EAGAIN); // completed, not reaped
    CHECK(m.take(1, 1, now) == 1);
    CHECK(m.submit(1) == 1);
}

TEST_CASE("the model has a system-wide limit") {
    Modelled m{4};
    m.model.set_limit(6);
    Handle second = 0;
    CHECK(kernel::setup(3, &second) == -EAGAIN);
    CHECK(kernel::setup(0, &second) == -EINVAL);
    REQUIRE(kernel::setup(2, &second) == 0);
    CHECK(kernel::destroy(second) == 0);
    second = 0;
    CHECK(kernel::setup(2, &second) == 0);
    CHECK(kernel::destroy(second) == 0);
}

TEST_CASE("the model refuses what it is told to, and stops there") {
    Modelled m;
    m.iocbs[1].opcode = 3;
    m.model.set_refusal([](const IocbLayout& iocb) { return iocb.opcode == 3 ? EINVAL : 0; });
    CHECK(m.submit(4) == 1);
    std::array<IocbLayout*, 1> bad{&m.iocbs[1]};
    CHECK(kernel::submit(m.handle, 1, bad.data()) == -EINVAL);
}

TEST_CASE("the model cancels polls and nothing else") {
    Modelled m;
    m.iocbs[0].opcode = 5;
    CHECK(m.submit(2) == 2);
    EventLayout unused;
    CHECK(kernel::cancel(m.handle, &m.iocbs[1], &unused) == -EINVAL);
    CHECK(kernel::cancel(m.handle, &m.iocbs[0], &unused) == -EINPROGRESS);
    CHECK(kernel::cancel(m.handle, &m.iocbs[0], &unused) == -EINVAL);
    CHECK(m.take(1, 4, now) == 1);
    CHECK(m.events[0].result == 0);
}

TEST_CASE("a wait in the model asks for something to happen, or ends") {
    Modelled m;
    CHECK(m.submit(2) == 2);
    int asked = 0;
    m.model.on_wait([&] {
        m.model.complete(0, 9);
        return ++asked < 2;
    });
    CHECK(m.take(2, 4, kernel::forever) == 2);
    CHECK(asked == 2);
    m.model.on_wait([] { return false; });
    CHECK(m.take(1, 4, kernel::forever) == -EINTR);
    CHECK(m.take(1, 4, 1'000'000'000) == 0);
    CHECK(m.take(-1, 4, now) == -EINVAL);
    CHECK(m.take(4, 3, now) == -EINVAL);
}

TEST_CASE("a wait in the model without limit ends when another thread completes something") {
    Modelled m;
    CHECK(m.submit(1) == 1);
    std::thread other{[&] { m.model.complete(0, 4); }};
    CHECK(m.take(1, 1, kernel::forever) == 1);
    other.join();
    CHECK(m.take(1, 1, 1'000'000) == 0); // runs out of time
}

TEST_CASE("the model counts completions in the eventfd") {
    aioxx::EventFd counter;
    Modelled m;
    kernel::set_event_fd(m.iocbs[0], counter.fd());
    kernel::set_event_fd(m.iocbs[1], counter.fd());
    CHECK(m.submit(2) == 2);
    m.model.complete(0, 0);
    m.model.complete(0, 0);
    CHECK(counter.read() == 2);
    kernel::set_event_fd(m.iocbs[2], 1'000'000);
    std::array<IocbLayout*, 1> bad{&m.iocbs[2]};
    CHECK(kernel::submit(m.handle, 1, bad.data()) == -EBADF);
}

TEST_CASE("the model answers plain calls by the test's rule, and well without one") {
    Modelled m;
    std::array<char, 8> bytes{};
    const std::array<iovec, 2> parts{iovec{bytes.data(), 3}, iovec{bytes.data() + 3, 5}};
    CHECK(kernel::transfer(true, 5, parts.data(), parts.size(), 16, 0) == 8);
    CHECK(kernel::flush(true, 5) == 0);
    std::vector<KernelModel::PlainCall> calls;
    m.model.set_plain_result([&](const KernelModel::PlainCall& call) {
        calls.push_back(call);
        return call.length > 0 ? std::int64_t{2} : -EIO;
    });
    CHECK(kernel::transfer(false, 5, parts.data(), parts.size(), 16, 8) == 2);
    CHECK(kernel::flush(false, 6) == -EIO);
    using Kind = KernelModel::PlainCall::Kind;
    REQUIRE(calls.size() == 2);
    CHECK(calls[0].kind == Kind::read);
    CHECK(calls[0].fd == 5);
    CHECK(calls[0].length == 8);
    CHECK(calls[0].offset == 16);
    CHECK(calls[0].flags == 8);
    CHECK(calls[1].kind == Kind::fsync);
    CHECK(calls[1].fd == 6);
    CHECK(m.scripted.calls(Call::transfer) == 2);
    CHECK(m.scripted.calls(Call::flush) == 2);
    CHECK(m.scripted.misuses() == 0); // they are made on no context
}

TEST_CASE("a plain call under a script fails, or transfers less, on the real kernel as well") {
    ScriptedKernel scripted{ScriptedKernel::Below::real};
    const TemporaryFile file;
    std::array<char, 4> bytes{'a', 'b', 'c', 'd'};
    const std::array<iovec, 2> parts{iovec{bytes.data(), 2}, iovec{bytes.data() + 2, 2}};
    scripted.answer(Call::transfer, {Answer::error(ENOSPC), Answer::at_most(3)});
    scripted.answer(Call::flush, {Answer::error(EIO)});
    CHECK(kernel::transfer(true, file, parts.data(), parts.size(), 0, 0) == -ENOSPC);
    CHECK(file.content().empty());
    CHECK(kernel::transfer(true, file, parts.data(), parts.size(), 0, 0) == 3);
    CHECK(file.content() == "abc");
    CHECK(kernel::transfer(true, file, parts.data(), parts.size(), 1, 0) == 4);
    CHECK(file.content() == "aabcd");
    CHECK(kernel::flush(false, file) == -EIO);
    CHECK(kernel::flush(false, file) == 0);
    CHECK(kernel::flush(true, file) == 0);
}

TEST_CASE("the account of the script: contexts open, calls made, misuse, what was lost") {
    ScriptedKernel scripted;
    Handle handle = 0;
    REQUIRE(kernel::setup(2, &handle) == 0);
    CHECK(scripted.open_contexts() == 1);
    IocbLayout iocb;
    std::array<IocbLayout*, 2> twice{&iocb, &iocb};
    CHECK(kernel::submit(handle, 2, twice.data()) == 2);
    scripted.model().complete(0, 0);
    CHECK(kernel::destroy(handle) == 0);
    CHECK(scripted.model().lost() == 2);
    CHECK(scripted.open_contexts() == 0);
    CHECK(scripted.misuses() == 0);
    CHECK(kernel::destroy(handle) == -EINVAL);
    CHECK(scripted.misuses() == 1);
    CHECK(scripted.calls() == 4);
    CHECK(scripted.calls(Call::destroy) == 2);
    CHECK(scripted.calls(Call::cancel) == 0);
}

TEST_CASE("answers are given in turn, then calls pass") {
    Modelled m;
    m.scripted.answer(Call::submit, {Answer::error(EAGAIN), Answer::at_most(1), Answer::pass(),
                                     Answer::result(0)});
    CHECK(m.submit(2) == -EAGAIN);
    CHECK(m.model.in_flight().empty());
    CHECK(m.submit(2) == 1);
    CHECK(m.submit(2) == 2);
    CHECK(m.submit(1) == 0);
    CHECK(m.submit(1) == 1);
    for (int i = 0; i < 4; ++i) {
        m.model.complete(0, 0);
    }
    m.scripted.answer(Call::get_events, {Answer::error(EINTR), Answer::at_most(1)});
    CHECK(m.take(2, 4, now) == -EINTR);
    CHECK(m.take(2, 4, now) == 1);
    CHECK(m.take(2, 4, now) == 3);
}

TEST_CASE("a numbered call fails with each error of its kind, until there are no more") {
    Modelled m; // setup is made before numbering starts
    for (std::size_t which = 0;; ++which) {
        m.scripted.fail_call(2, which);
        CHECK(m.take(0, 4, now) == 0);
        CHECK(!m.scripted.fault_was_reached());
        const int result = m.take(0, 4, now);
        CHECK(m.scripted.fault_was_reached());
        if (which == errors_of(Call::get_events).size()) {
            CHECK(!m.scripted.fault().has_value());
            CHECK(result == 0);
            break;
        }
        REQUIRE(m.scripted.fault().has_value());
        CHECK(m.scripted.fault()->call == Call::get_events);
        CHECK(result == -errors_of(Call::get_events)[which]);
        CHECK(m.take(0, 4, now) == 0); // once
    }
}

TEST_CASE("a destroy that fails has destroyed all the same") {
    ScriptedKernel scripted{ScriptedKernel::Below::real};
    Handle handle = 0;
    REQUIRE(kernel::setup(1, &handle) == 0);
    scripted.answer(Call::destroy, {Answer::error(EINVAL)});
    CHECK(kernel::destroy(handle) == -EINVAL);
    CHECK(scripted.open_contexts() == 0);
    IocbLayout* none = nullptr;
    CHECK(kernel::submit(handle, 0, &none) == -EINVAL); // in the real kernel as well
}

} // namespace
