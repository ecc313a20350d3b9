// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/mailbox.hpp"

#include "blocked_in.hpp"
#include "eventually.hpp"

#include <aioxx/core/event_fd.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Mailbox;
using engine::Operation;
using engine::OperationList;
using Sleep = Mailbox::Sleep;

/// What an eventfd has counted, which is forgotten by this; 0 for nothing.
std::uint64_t counted(EventFd& event_fd) {
    std::error_code nothing;
    return event_fd.read(nothing);
}

struct Box {
    explicit Box(bool always = false) { mailbox.open(wake.fd(), event_fd.fd(), always); }

    EventFd wake;
    EventFd event_fd;
    Mailbox mailbox;
};

std::vector<Operation*> taken(Mailbox& mailbox) {
    std::vector<Operation*> all;
    OperationList list = mailbox.take();
    while (Operation* const operation = list.pop_front()) {
        all.push_back(operation);
    }
    return all;
}

TEST_CASE("what was pushed is taken once, in its order") {
    Box box;
    std::array<Operation, 3> operations;
    CHECK_FALSE(box.mailbox.has_mail());
    for (Operation& operation : operations) {
        box.mailbox.push(operation);
    }
    CHECK(box.mailbox.has_mail());
    CHECK(taken(box.mailbox) == std::vector{&operations.front(), &operations[1], &operations[2]});
    CHECK_FALSE(box.mailbox.has_mail());
    CHECK(taken(box.mailbox).empty());
    box.mailbox.push(operations[1]);
    CHECK(taken(box.mailbox) == std::vector{&operations[1]});
}

TEST_CASE("without a sleeper neither a push nor a wake writes to a descriptor") {
    Box box;
    Operation operation;
    box.mailbox.push(operation);
    box.mailbox.wake();
    CHECK(counted(box.wake) == 0);
    CHECK(counted(box.event_fd) == 0);
    CHECK_FALSE(box.mailbox.begin_sleep(Sleep::ring)); // and the sleep is left out
    box.mailbox.end_sleep(Sleep::ring);
}

TEST_CASE("a sleeper is told by the descriptor that it sleeps by, and only by the first push") {
    Box box;
    std::array<Operation, 3> operations;
    CHECK(box.mailbox.begin_sleep(Sleep::ring));
    box.mailbox.push(operations[0]);
    box.mailbox.push(operations[1]);
    CHECK(counted(box.wake) == 1);
    CHECK(counted(box.event_fd) == 0);
    box.mailbox.end_sleep(Sleep::ring);
    CHECK(taken(box.mailbox).size() == 2);

    CHECK(box.mailbox.begin_sleep(Sleep::event_fd));
    box.mailbox.push(operations[2]);
    box.mailbox.end_sleep(Sleep::event_fd);
    CHECK(counted(box.wake) == 0);
    CHECK(counted(box.event_fd) == 1);
}

TEST_CASE("sleepers of both kinds are told together") {
    Box box;
    CHECK(box.mailbox.begin_sleep(Sleep::ring));
    CHECK(box.mailbox.begin_sleep(Sleep::event_fd));
    box.mailbox.wake();
    CHECK(counted(box.wake) == 1);
    CHECK(counted(box.event_fd) == 1);
    box.mailbox.end_sleep(Sleep::ring);
    box.mailbox.end_sleep(Sleep::event_fd);
}

TEST_CASE("an event loop that may sleep at any time is told by the first push after each take") {
    Box box{true};
    std::array<Operation, 4> operations;
    box.mailbox.push(operations[0]);
    box.mailbox.push(operations[1]);
    CHECK(counted(box.event_fd) == 1);
    CHECK(taken(box.mailbox).size() == 2);
    box.mailbox.push(operations[2]);
    CHECK(counted(box.event_fd) == 1);
    box.mailbox.wake();
    box.mailbox.wake();
    CHECK(counted(box.event_fd) == 1);
    CHECK(counted(box.wake) == 0);
}

TEST_CASE("where there is no event descriptor none is written") {
    EventFd wake;
    Mailbox mailbox;
    mailbox.open(wake.fd(), -1, true);
    Operation operation;
    errno = 0;
    mailbox.push(operation);
    CHECK(errno == 0);
    CHECK(counted(wake) == 0);
}

TEST_CASE("a wake ends the next sleep, and take forgets it") {
    Box box;
    box.mailbox.wake();
    CHECK(box.mailbox.has_mail());
    CHECK_FALSE(box.mailbox.begin_sleep(Sleep::event_fd));
    box.mailbox.end_sleep(Sleep::event_fd);
    CHECK(box.mailbox.take().empty());
    CHECK_FALSE(box.mailbox.has_mail());
    CHECK(box.mailbox.begin_sleep(Sleep::event_fd));
    box.mailbox.end_sleep(Sleep::event_fd);
}

TEST_CASE("a wake leaves errno as it was, even where the descriptor is gone") {
    Mailbox mailbox;
    mailbox.open(1'000'000, 1'000'000, true);
    errno = EDOM;
    mailbox.wake();
    CHECK(errno == EDOM);
}

/// Sleeps by `fd` until it is signalled, and forgets the signal.
void sleep_by(EventFd& event_fd) {
    pollfd one{event_fd.fd(), POLLIN, 0};
    REQUIRE(::poll(&one, 1, 30'000) == 1);
    event_fd.read();
}

TEST_CASE("operations of many threads arrive once each, each thread's in order, and none is slept "
          "over") {
    constexpr std::size_t threads = 3;
    constexpr std::size_t each = 20'000;
    Box box;
    std::array<std::deque<Operation>, threads> operations;
    std::vector<std::thread> pushers;
    for (std::size_t i = 0; i < threads; ++i) {
        for (std::size_t k = 0; k < each; ++k) {
            operations[i].emplace_back().sequence = k;
            operations[i].back().result = static_cast<std::int64_t>(i);
        }
        pushers.emplace_back([&box, &mine = operations[i]] {
            for (Operation& operation : mine) {
                box.mailbox.push(operation);
            }
        });
    }
    std::array<std::uint64_t, threads> expected{};
    bool in_order = true;
    std::size_t count = 0;
    while (count < threads * each) {
        OperationList list = box.mailbox.take();
        while (const Operation* const operation = list.pop_front()) {
            const auto from = static_cast<std::size_t>(operation->result);
            in_order = in_order && operation->sequence == expected[from]++;
            ++count;
        }
        if (count < threads * each && box.mailbox.begin_sleep(Sleep::ring)) {
            sleep_by(box.wake);
        }
        box.mailbox.end_sleep(Sleep::ring);
    }
    for (std::thread& pusher : pushers) {
        pusher.join();
    }
    CHECK(in_order);
    CHECK_FALSE(box.mailbox.has_mail());
}

TEST_CASE("no wake is lost, and what was written before it is seen") {
    constexpr unsigned rounds = 50'000;
    Box box;
    std::atomic<unsigned> seen{0};
    unsigned written = 0; // published by nothing but the wake
    std::thread waker{[&] {
        for (unsigned i = 1; i <= rounds; ++i) {
            written = i;
            box.mailbox.wake();
            while (seen.load(std::memory_order_acquire) != i) {
                std::this_thread::yield();
            }
        }
    }};
    bool as_written = true;
    for (unsigned i = 1; i <= rounds; ++i) {
        while (!box.mailbox.has_mail()) { // the signal may be that of the wake before
            if (box.mailbox.begin_sleep(Sleep::event_fd)) {
                sleep_by(box.event_fd);
            }
            box.mailbox.end_sleep(Sleep::event_fd);
        }
        box.mailbox.take();
        as_written = as_written && written == i;
        seen.store(i, std::memory_order_release);
    }
    waker.join();
    CHECK(as_written);
}

TEST_CASE("a thread that sleeps in the read of the event descriptor is woken by a push") {
    EventFd wake;
    EventFd event_fd{EventFd::Mode::blocking};
    Mailbox mailbox;
    mailbox.open(wake.fd(), event_fd.fd(), false);
    Operation operation;
    std::atomic<pid_t> tid{0};
    std::uint64_t count = 0;
    std::thread sleeper{[&] {
        const bool sleeps = mailbox.begin_sleep(Sleep::event_fd);
        tid = thread_id();
        count = sleeps ? event_fd.read() : 0;
        mailbox.end_sleep(Sleep::event_fd);
    }};
    CHECK(eventually([&] { return tid != 0; }));
    CHECK(wait_until_blocked_in(tid, SYS_read));
    mailbox.push(operation);
    sleeper.join();
    CHECK(count == 1);
}

} // namespace
} // namespace aioxx::test
