// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "child.hpp"
#include "core/fork_generation.hpp"
#include "run_one.hpp"

#include "kernel/kernel.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>

using namespace aioxx::test;
using aioxx::CancelResult;
using aioxx::Context;
using aioxx::EventBatch;
using aioxx::Iocb;
namespace fork_generation = aioxx::fork_generation;

namespace {

/// A parent's context with two events to reap and a poll in flight.
struct Parent {
    Parent() {
        for (Iocb& iocb : ready) {
            iocb.prepare_poll(pipe.writer, POLLOUT);
            context.submit(iocb);
        }
        waiting.prepare_poll(pipe.reader, POLLIN);
        context.submit(waiting);
    }
    /// All of it is still there, and the context works.
    void check_untouched() {
        EventBatch events{4};
        CHECK(context.is_open());
        REQUIRE(context.wait(events, 2) == 2);
        CHECK(&events[0].iocb() == &ready[0]);
        CHECK(&events[1].iocb() == &ready[1]);
        CHECK(context.cancel(waiting) == CancelResult::requested);
        CHECK(next_event(context).poll_was_cancelled());
        ready[0].prepare_poll(pipe.writer, POLLOUT);
        CHECK(run_one(context, ready[0]).result() > 0);
    }

    Pipe pipe;
    std::array<Iocb, 2> ready;
    Iocb waiting;
    Context context{4};
};

TEST_CASE("in a child every call on an inherited context is EINVAL, and takes nothing") {
    Parent parent;
    const ChildEnd end = run_in_child([&] {
        EventBatch events{4};
        Iocb iocb;
        sigset_t mask;
        sigemptyset(&mask);
        std::error_code error;
        Context& inherited = parent.context;
        if (inherited.is_open()) {
            return 1;
        }
        if (inherited.reap(events, error) != 0 || error.value() != EINVAL) {
            return 2;
        }
        if (inherited.wait(events, 1, error) != 0 || error.value() != EINVAL) {
            return 3;
        }
        if (inherited.wait(events, 1, mask, error) != 0 || error.value() != EINVAL) {
            return 4;
        }
        if (inherited.wait_for(events, 0, {}, error) != 0 || error.value() != EINVAL) {
            return 5;
        }
        iocb.prepare_poll(parent.pipe.writer, POLLOUT);
        inherited.submit(iocb, error);
        if (error.value() != EINVAL) {
            return 6;
        }
        if (inherited.cancel(parent.waiting, error) != CancelResult::failed ||
            error.value() != EINVAL) {
            return 7;
        }
        inherited.close(error);
        return error ? 8 : 0;
    });
    CHECK(end.status == 0);
    parent.check_untouched();
}

TEST_CASE("a child that moves, assigns and destroys inherited contexts does no harm") {
    std::optional<Parent> parent;
    parent.emplace();
    const ChildEnd end = run_in_child([&] {
        {
            Context moved{std::move(parent->context)};
            if (moved.is_open()) {
                return 1;
            }
            Context own{1};
            moved = std::move(own);
            if (!moved.is_open()) {
                return 2;
            }
            Iocb iocb;
            iocb.prepare_poll(parent->pipe.writer, POLLOUT);
            if (run_one(moved, iocb).result() <= 0) {
                return 3;
            }
        }
        parent.reset();
        return 0;
    });
    CHECK(end.status == 0);
    parent->check_untouched();
}

/// Takes the ring of `context` out of what a child inherits: then the child's own contexts can get
/// the address, as they do by themselves from Linux 7.2 on. False where the ring is not found.
bool keep_ring_from_children(const Context& context) {
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);) {
        char* end = nullptr;
        const auto from = static_cast<std::uintptr_t>(std::strtoull(line.c_str(), &end, 16));
        const auto to = static_cast<std::uintptr_t>(std::strtoull(end + 1, nullptr, 16));
        if (from == context.native_handle()) {
            auto* const ring = reinterpret_cast<void*>(from);
            return ::madvise(ring, to - from, MADV_DONTFORK) == 0;
        }
    }
    return false;
}

TEST_CASE("a child's context at the address of an inherited one survives that one's end") {
    SKIP_UNDER_VALGRIND("it keeps the address of an inherited ring to itself");
    constexpr int no_such_address = 99;
    Parent parent;
    REQUIRE(keep_ring_from_children(parent.context));
    const ChildEnd end = run_in_child([&] {
        std::vector<std::unique_ptr<Context>> others; // those that got another address
        std::unique_ptr<Context> twin;
        for (int i = 0; i < 200 && twin == nullptr; ++i) {
            auto made = std::make_unique<Context>(4U);
            auto& where = made->native_handle() == parent.context.native_handle()
                              ? twin
                              : others.emplace_back();
            where = std::move(made);
        }
        if (twin == nullptr) {
            return no_such_address;
        }
        EventBatch events{4};
        Iocb iocb;
        std::error_code error;
        iocb.prepare_poll(parent.pipe.writer, POLLOUT);
        twin->submit(iocb);
        if (parent.context.is_open() || !twin->is_open()) {
            return 1;
        }
        if (parent.context.reap(events, error) != 0 || error.value() != EINVAL) {
            return 2; // the twin's event
        }
        { const Context destroyed{std::move(parent.context)}; }
        if (twin->wait(events, 1) != 1 || &events[0].iocb() != &iocb) {
            return 3;
        }
        iocb.prepare_poll(parent.pipe.writer, POLLOUT);
        return run_one(*twin, iocb).result() > 0 ? 0 : 4;
    });
    if (end.status == no_such_address) {
        SKIP_CASE("the kernel did not give the child the address");
    }
    CHECK(end.status == 0);
    parent.check_untouched();
}

TEST_CASE("generations: the same in one process, another in each child and grandchild") {
    const std::uint64_t own = fork_generation::enter();
    CHECK(own != 0);
    CHECK(fork_generation::enter() == own);
    CHECK(fork_generation::current() == own);
    const ChildEnd end = run_in_child([&] {
        if (fork_generation::current() == own) {
            return 1;
        }
        // A grandchild whose parent never asked for a number...
        const ChildEnd of_silent = run_in_child([&] {
            const std::uint64_t number = fork_generation::enter();
            return number != 0 && number != own ? 0 : 1;
        });
        const std::uint64_t child = fork_generation::enter();
        if (of_silent.status != 0 || child == 0 || child == own) {
            return 2;
        }
        // ... and one whose parent did.
        const ChildEnd of_numbered = run_in_child([&] {
            if (fork_generation::current() == child || fork_generation::current() == own) {
                return 1;
            }
            const std::uint64_t number = fork_generation::enter();
            return number != 0 && number != own && number != child ? 0 : 2;
        });
        return of_numbered.status == 0 && fork_generation::current() == child ? 0 : 3;
    });
    CHECK(end.status == 0);
    CHECK(fork_generation::current() == own);
}

// fork handlers, which only the C library's fork() runs, would not do.
TEST_CASE("a child of the bare system call is another generation as well") {
    SKIP_UNDER_VALGRIND("bare clone()");
    Parent parent;
#ifdef __s390__ // the stack comes first
    const auto child = static_cast<pid_t>(::syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0));
#else
    const auto child = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
#endif
    REQUIRE(child >= 0);
    if (child == 0) {
        EventBatch events{4};
        std::error_code error;
        const bool inert = !parent.context.is_open() && parent.context.reap(events, error) == 0 &&
                           error.value() == EINVAL;
        ::_exit(inert ? 0 : 1);
    }
    CHECK(wait_for_child(child).status == 0);
    parent.check_untouched();
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#if !defined(__has_feature)
#define AIOXX_TEST_VFORK 1
#elif !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
#define AIOXX_TEST_VFORK 1
#endif
#endif

#ifdef AIOXX_TEST_VFORK // the sanitizers do not know a second stack in the same memory
int reap_in_vforked_child(void* argument) {
    auto& parent = *static_cast<Parent*>(argument);
    EventBatch events{4};
    std::error_code error;
    return parent.context.is_open() && parent.context.reap(events, error) == 2 && !error ? 0 : 1;
}

TEST_CASE("vfork's child shares the memory, and may use the contexts it finds there") {
    SKIP_UNDER_VALGRIND("it turns vfork into fork");
    Parent parent;
    std::vector<char> stack(256 * 1024);
    const pid_t child = ::clone(reap_in_vforked_child, stack.data() + stack.size(),
                                CLONE_VM | CLONE_VFORK | SIGCHLD, &parent);
    REQUIRE(child > 0);
    CHECK(wait_for_child(child).status == 0);
    EventBatch events{4};
    CHECK(parent.context.wait_for(events, 0, {}) == 0); // the child took them
    CHECK(parent.context.is_open());
}
#endif

} // namespace
