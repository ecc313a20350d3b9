// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/wait_queue.hpp"

#include "blocked_in.hpp"
#include "descriptors.hpp"
#include "posix/critical_section.hpp"
#include "posix/wait.hpp"

#include <atomic>
#include <thread>

#include <doctest/doctest.h>
#include <sys/eventfd.h>

namespace aioxx::test {
namespace {

using posix::AnonymousFiles;
using posix::OwnDescriptors;
using posix::WaitQueue;
using Role = WaitQueue::Role;

struct Fixture {
    Fixture() { REQUIRE(anonymous.open(own)); }

    /// How often the counter was signalled since the last call.
    std::uint64_t signals() {
        std::error_code error;
        return counter.read(error);
    }
    /// Runs `body` on another thread, to its end.
    template <typename Body>
    static void elsewhere(Body body) {
        std::thread{body}.join();
    }

    Descriptor own{::eventfd(0, EFD_CLOEXEC)};
    AnonymousFiles anonymous;
    OwnDescriptors descriptors{anonymous};
    EventFd counter;
    WaitQueue queue{&counter, descriptors};
};

TEST_CASE_FIXTURE(Fixture, "the first thread that waits leads, and the next ones follow") {
    WaitQueue::Place here;
    WaitQueue::Place there;
    queue.enter(here);
    CHECK(here.role == Role::leader);
    elsewhere([&] { queue.enter(there); });
    CHECK(there.role == Role::follower);
    queue.enter(here); // before its next sleep
    CHECK(here.role == Role::leader);
    CHECK(signals() == 0);
}

TEST_CASE_FIXTURE(Fixture, "when the leader leaves, a follower leads the next time it enters") {
    WaitQueue::Place here;
    WaitQueue::Place there;
    queue.enter(here);
    elsewhere([&] { queue.enter(there); });
    queue.leave(here);
    CHECK(here.role == Role::none);
    elsewhere([&] {
        const timespec none{};
        CHECK(queue.follow(there, &none) == EAGAIN); // FUTEX_WAIT: the queue has changed
        queue.enter(there);
        CHECK(there.role == Role::leader);
        queue.leave(there);
    });
    CHECK(signals() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a handler on the leader's thread leads, and wakes it when it leaves") {
    WaitQueue::Place interrupted;
    WaitQueue::Place handler;
    WaitQueue::Place follower;
    queue.enter(interrupted);
    queue.enter(handler); // on the same thread
    CHECK(handler.role == Role::leader);
    elsewhere([&] { queue.enter(follower); });
    CHECK(follower.role == Role::follower);
    queue.leave(handler);
    CHECK(signals() == 1);
    queue.enter(interrupted);
    CHECK(interrupted.role == Role::leader);
    elsewhere([&] { queue.enter(follower); });
    CHECK(follower.role == Role::follower);
}

TEST_CASE_FIXTURE(Fixture, "wake signals the counter for a leader on another thread only") {
    queue.wake();
    CHECK(signals() == 0);
    WaitQueue::Place place;
    queue.enter(place);
    queue.wake(); // the thread itself looks in any case
    CHECK(signals() == 0);
    elsewhere([&] { queue.wake(); });
    CHECK(signals() == 1);
    queue.leave(place);
    elsewhere([&] { queue.wake(); });
    CHECK(signals() == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "nothing is written to the counter when the own descriptors are closed") {
    WaitQueue::Place place;
    queue.enter(place);
    own.close();
    elsewhere([&] { queue.wake(); });
    CHECK(signals() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a follower sleeps until wake, and not at all if that came before") {
    const auto enter = [this](WaitQueue::Place& place) {
        const posix::CriticalSection section;
        queue.enter(place);
    };
    const auto wake = [this] {
        const posix::CriticalSection section;
        queue.wake();
    };
    WaitQueue::Place leader;
    enter(leader);
    std::atomic<pid_t> tid{0};
    std::atomic<bool> is_back{false};
    std::thread follower{[&] {
        WaitQueue::Place place;
        enter(place);
        CHECK(place.role == Role::follower);
        tid = thread_id();
        CHECK(queue.follow(place, nullptr) == 0);
        is_back = true;
        enter(place);
        wake();
        CHECK(queue.follow(place, nullptr) == EAGAIN);
    }};
    REQUIRE(eventually([&] { return tid != 0; }));
    REQUIRE(wait_until_asleep(tid));
    CHECK(!is_back);
    wake();
    follower.join();
    CHECK(is_back);
}

} // namespace
} // namespace aioxx::test
