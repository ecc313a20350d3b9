// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/wait_queue.hpp"

#include "blocked_in.hpp"
#include "descriptors.hpp"
#include "posix/critical_section.hpp"
#include "posix/wait.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

namespace aioxx::test {
namespace {

using posix::AnonymousFiles;
using posix::OwnDescriptors;
using posix::WaitQueue;
using Role = WaitQueue::Role;

struct Fixture {
    Fixture() {
        REQUIRE(anonymous.open(own));
        REQUIRE(queue.open());
    }

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

    sigset_t no_signals{};
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
        CHECK(queue.follow(there, nullptr, no_signals) == 0); // the bell has rung
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

TEST_CASE_FIXTURE(Fixture, "followers look themselves, and often where the leader does not look") {
    WaitQueue::Place leader;
    queue.enter(leader);
    elsewhere([&] {
        WaitQueue::Place follower;
        const auto sleep_and_look = [&] {
            CHECK(queue.follow(follower, nullptr, no_signals) == 0);
            queue.look(follower);
            queue.enter(follower);
            CHECK(follower.role == Role::follower);
        };
        queue.enter(follower);
        CHECK_FALSE(follower.looks_often);
        sleep_and_look();
        CHECK_FALSE(follower.looks_often); // nothing was signalled
        std::error_code error;
        counter.signal(1, error);
        sleep_and_look();
        CHECK(follower.looks_often);
        sleep_and_look();
        CHECK(follower.looks_often);
        queue.leave(follower);
    });
    CHECK(queue.lead(nullptr, no_signals) == 0); // no thread has taken it
    queue.look(leader);
    elsewhere([&] {
        WaitQueue::Place follower;
        queue.enter(follower);
        CHECK_FALSE(follower.looks_often);
        queue.leave(follower);
    });
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
        CHECK(queue.follow(place, nullptr, no_signals) == 0);
        is_back = true;
        enter(place);
        wake();
        CHECK(queue.follow(place, nullptr, no_signals) == 0);
        queue.leave(place);
    }};
    REQUIRE(eventually([&] { return tid != 0; }));
    REQUIRE(wait_until_asleep(tid));
    CHECK(!is_back);
    wake();
    follower.join();
    CHECK(is_back);
}

TEST_CASE_FIXTURE(Fixture, "the leader sleeps until the counter is signalled, once for each time") {
    const timespec long_time{20, 0};
    for (const timespec* const limit : {static_cast<const timespec*>(nullptr), &long_time}) {
        std::atomic<pid_t> tid{0};
        std::atomic<int> wakes{0};
        std::thread leader{[&] {
            tid = thread_id();
            for (int i = 0; i < 2; ++i) {
                CHECK(queue.lead(limit, no_signals) == 0);
                ++wakes;
            }
        }};
        std::error_code error;
        REQUIRE(eventually([&] { return tid != 0; }));
        REQUIRE(wait_until_asleep(tid));
        CHECK(wakes == 0);
        counter.signal(1, error);
        REQUIRE(eventually([&] { return wakes == 1; }));
        REQUIRE(wait_until_asleep(tid));
        CHECK(wakes == 1);
        counter.signal(1, error);
        leader.join();
    }
}

TEST_CASE_FIXTURE(Fixture, "a follower that gets no descriptor looks again by itself") {
    WaitQueue::Place leader;
    queue.enter(leader);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{0, before.rlim_max};
    elsewhere([&] {
        WaitQueue::Place place;
        ::setrlimit(RLIMIT_NOFILE, &none);
        queue.enter(place);
        ::setrlimit(RLIMIT_NOFILE, &before);
        CHECK(place.role == Role::follower);
        CHECK(place.bell == WaitQueue::Place::none);
        CHECK(queue.follow(place, nullptr, no_signals) == 0);
        queue.leave(place);
    });
}

TEST_CASE_FIXTURE(Fixture, "more threads may follow than there are bells") {
    WaitQueue::Place leader;
    queue.enter(leader);
    std::vector<WaitQueue::Place> places(100);
    elsewhere([&] {
        for (WaitQueue::Place& place : places) {
            queue.enter(place);
            CHECK(place.role == Role::follower);
        }
        queue.wake();
        for (WaitQueue::Place& place : places) {
            CHECK(queue.follow(place, nullptr, no_signals) == 0);
            queue.leave(place);
        }
    });
    CHECK(std::none_of(places.begin(), places.end(), [](const WaitQueue::Place& place) {
        return place.bell != WaitQueue::Place::none;
    }));
}

} // namespace
} // namespace aioxx::test
