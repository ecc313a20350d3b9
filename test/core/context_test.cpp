// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "run_one.hpp"

#include "kernel/kernel.hpp"

#include <cerrno>
#include <limits>
#include <type_traits>

#include <poll.h>

using namespace aioxx::test;
using aioxx::CancelResult;
using aioxx::Context;
using aioxx::EventBatch;
using aioxx::Iocb;

namespace {

static_assert(!std::is_copy_constructible_v<Context> && !std::is_copy_assignable_v<Context>);
static_assert(std::is_nothrow_move_constructible_v<Context>);
static_assert(std::is_nothrow_move_assignable_v<Context> && !std::is_polymorphic_v<Context>);

/// Every call answers EINVAL, and nothing else happens.
void check_inert(Context& context) {
    Iocb iocb;
    EventBatch events{1};
    std::error_code error;
    sigset_t mask;
    sigemptyset(&mask);
    CHECK(!context.is_open());
    CHECK(context.submit(std::span<Iocb* const>{}, error) == 0);
    CHECK(error.value() == EINVAL);
    error.clear();
    context.submit(iocb, error);
    CHECK(error.value() == EINVAL);
    error.clear();
    CHECK(context.wait(events, 1, error) == 0);
    CHECK(error.value() == EINVAL);
    error.clear();
    CHECK(context.wait(events, 1, mask, error) == 0);
    CHECK(error.value() == EINVAL);
    error.clear();
    CHECK(context.wait_for(events, 0, {}, error) == 0);
    CHECK(error.value() == EINVAL);
    error.clear();
    CHECK(context.reap(events, error) == 0);
    CHECK(error.value() == EINVAL);
    error.clear();
    CHECK(context.cancel(iocb, error) == CancelResult::failed);
    CHECK(error.value() == EINVAL);
    CHECK_THROWS_AS(context.submit(iocb), std::system_error);
    CHECK_THROWS_AS(context.wait(events, 1), std::system_error);
    CHECK_THROWS_AS(context.reap(events), std::system_error);
    CHECK_THROWS_AS(context.cancel(iocb), std::system_error);
    context.close(error);
    CHECK(!error);
    CHECK_NOTHROW(context.close());
}

TEST_CASE("setup gives a context") {
    Context context{32};
    CHECK(context.is_open());
    CHECK(context.native_handle() != 0);
    CHECK(context.queue_depth() == 32);
    std::error_code error = std::make_error_code(std::errc::io_error);
    const Context other{1, error};
    CHECK(!error);
    CHECK(other.is_open());
    CHECK(other.native_handle() != context.native_handle());
}

TEST_CASE("setup for no operations, or absurdly many, is EINVAL") {
    for (const unsigned depth : {0U, 0x7fffffffU, std::numeric_limits<unsigned>::max()}) {
        CAPTURE(depth);
        std::error_code error;
        Context context{depth, error};
        CHECK(error.value() == EINVAL);
        CHECK(error.category() == std::generic_category());
        CHECK(context.queue_depth() == 0);
        check_inert(context);
    }
    CHECK_THROWS_AS(Context{0}, std::system_error);
}

TEST_CASE("a moved-from context is inert, and what it held goes on") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, POLLIN);
    Context first{4};
    const std::uintptr_t handle = first.native_handle();
    first.submit(iocb);
    Context second{std::move(first)};
    check_inert(first);
    CHECK(first.native_handle() == 0);
    CHECK(first.queue_depth() == 0);
    CHECK(!first.reaps_from_ring());
    CHECK(second.native_handle() == handle);
    CHECK(second.queue_depth() == 4);
    pipe.fill("x");
    CHECK(&next_event(second).iocb() == &iocb);
}

TEST_CASE("move assignment closes the context that was there") {
    Context first{1};
    Context second{2};
    const std::uintptr_t kept = first.native_handle();
    const std::uintptr_t closed = second.native_handle();
    second = std::move(first);
    check_inert(first);
    CHECK(second.is_open());
    CHECK(second.native_handle() == kept);
    CHECK(second.queue_depth() == 1);
    if (!under_valgrind()) { // which reads the ring of a context that is gone, and crashes
        CHECK(aioxx::kernel::destroy(closed) == -EINVAL);
    }
}

TEST_CASE("assigning a context to itself changes nothing") {
    Context context{1};
    Context& same = context;
    context = std::move(same);
    CHECK(context.is_open());
    CHECK(context.queue_depth() == 1);
}

TEST_CASE("a closed context is inert, and a second close is no error") {
    Context context{1};
    CHECK_NOTHROW(context.close());
    check_inert(context);
    CHECK(context.native_handle() == 0);
}

TEST_CASE("the destructor gives the context back") {
    SKIP_UNDER_VALGRIND("it reads the ring of a context that is gone, and crashes");
    std::uintptr_t handle = 0;
    {
        const Context context{1};
        handle = context.native_handle();
    }
    CHECK(aioxx::kernel::destroy(handle) == -EINVAL);
}

TEST_CASE("closing a context that was destroyed behind it reports EINVAL") {
    SKIP_UNDER_VALGRIND("it reads the ring of a context that is gone, and crashes");
    Context context{1};
    REQUIRE(aioxx::kernel::destroy(context.native_handle()) == 0);
    std::error_code error;
    context.close(error);
    CHECK(error.value() == EINVAL);
    check_inert(context);
    Context other{1};
    REQUIRE(aioxx::kernel::destroy(other.native_handle()) == 0);
    CHECK_THROWS_AS(other.close(), std::system_error);
}

TEST_CASE("closing cancels the polls in flight, and frees their iocbs") {
    const Pipe pipe;
    Iocb iocb;
    iocb.prepare_poll(pipe.reader, POLLIN);
    {
        Context context{1};
        context.submit(iocb);
        context.close(); // would not return if it waited for the pipe
    }
    Context context{1};
    iocb.prepare_poll(pipe.writer, POLLOUT);
    CHECK((run_one(context, iocb).result() & POLLOUT) != 0);
}

TEST_CASE("closing throws events away that were not reaped") {
    Iocb iocb;
    const Pipe pipe;
    iocb.prepare_poll(pipe.writer, POLLOUT);
    Context context{1};
    context.submit(iocb);
    CHECK_NOTHROW(context.close());
}

TEST_CASE("a call that succeeds clears the error of an earlier one") {
    Context context{1};
    EventBatch events{1};
    std::error_code error = std::make_error_code(std::errc::io_error);
    context.submit(std::span<Iocb* const>{}, error);
    CHECK(!error);
    error = std::make_error_code(std::errc::io_error);
    context.wait_for(events, 0, {}, error);
    CHECK(!error);
    error = std::make_error_code(std::errc::io_error);
    context.reap(events, error);
    CHECK(!error);
    error = std::make_error_code(std::errc::io_error);
    Iocb never;
    CHECK(context.cancel(never, error) == CancelResult::not_cancellable);
    CHECK(!error);
    error = std::make_error_code(std::errc::io_error);
    context.close(error);
    CHECK(!error);
}

TEST_CASE("an exception names the call that failed") {
    Context context{1};
    context.close();
    EventBatch events{1};
    Iocb iocb;
    CHECK_THROWS_WITH(context.submit(iocb), doctest::Contains("io_submit"));
    CHECK_THROWS_WITH(context.wait(events, 1), doctest::Contains("io_getevents"));
    CHECK_THROWS_WITH(context.wait_for(events, 1, {}), doctest::Contains("io_getevents"));
    sigset_t mask;
    sigemptyset(&mask);
    CHECK_THROWS_WITH(context.wait(events, 1, mask), doctest::Contains("io_pgetevents"));
    CHECK_THROWS_WITH(context.wait_for(events, 1, {}, mask), doctest::Contains("io_pgetevents"));
    CHECK_THROWS_WITH(context.reap(events), doctest::Contains("io_getevents"));
    CHECK_THROWS_WITH(context.cancel(iocb), doctest::Contains("io_cancel"));
    CHECK_THROWS_WITH(Context{0}, doctest::Contains("io_setup"));
    try {
        context.submit(iocb);
    } catch (const std::system_error& failure) {
        CHECK(failure.code() == std::errc::invalid_argument);
        CHECK(failure.code().category() == std::generic_category());
    }
}

} // namespace
