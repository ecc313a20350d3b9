// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/notifier.hpp"

#include "posix/fake_duties.hpp"

#include <atomic>
#include <functional>

#include <sys/resource.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::Attendant;
using posix::CriticalSection;
using posix::Moment;
using posix::Notifier;
using posix::Request;
using posix::RequestList;
using posix::RequestTable;
using namespace std::chrono_literals;

TEST_CASE("what a thread of an earlier use says is not heard") {
    using posix::ThreadProgress;
    ThreadProgress progress;
    progress.begin_use(1);
    CHECK(progress.now() == ThreadProgress::Is::made);
    progress.begin(1);
    CHECK(progress.now() == ThreadProgress::Is::begun);
    progress.begin_use(2);
    progress.end(1);
    CHECK(progress.now() == ThreadProgress::Is::made);
    progress.begin(2);
    progress.end(1);
    CHECK(progress.now() == ThreadProgress::Is::begun);
    progress.end(2);
    CHECK(progress.now() == ThreadProgress::Is::ended);
}

/// Of a notice's thread: it has none blocked, and would take a signal of the test that comes next.
void block_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

std::atomic<bool> may_return;

/// A notice by a thread that stays in its function until it may return.
sigevent thread_that_waits() {
    may_return = false;
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = [](sigval) {
        block_signals();
        may_return.wait(false);
    };
    return event;
}

void let_return() {
    may_return = true;
    may_return.notify_all();
}

struct Fixture {
    ~Fixture() {
        duties.over = true;
        attendant.wake();
        CHECK(ends(attendant));
    }

    [[nodiscard]] sigevent signal_with(int value) const {
        sigevent event{};
        event.sigev_notify = SIGEV_SIGNAL;
        event.sigev_signo = signal;
        event.sigev_value.sival_int = value;
        return event;
    }
    static sigevent thread_with(std::atomic<int>& called) {
        sigevent event{};
        event.sigev_notify = SIGEV_THREAD;
        event.sigev_value.sival_ptr = &called;
        event.sigev_notify_function = [](sigval value) {
            block_signals();
            ++*static_cast<std::atomic<int>*>(value.sival_ptr);
        };
        return event;
    }
    /// A request that is done, with that notice; of that list, if any.
    Request& done(const sigevent& notification, RequestList* list = nullptr) {
        Request& request = requests.take();
        request.notification = notification;
        request.list = list;
        return request;
    }
    /// A list of `count` requests, all of which have been started.
    RequestList& list_of(std::size_t count, const sigevent& notification) {
        RequestList& list = *requests.make_list(false, &notification);
        list.unfinished = count;
        return list;
    }
    /// The value of the next signal, -1 for none.
    [[nodiscard]] int next_value() const {
        const auto info = signal.next();
        return info ? info->si_value.sival_int : -1;
    }

    BlockedSignal signal{SIGRTMIN + 3};
    RequestTable requests;
    std::function<void()> send_all = [] {};
    FakeDuties duties{[this] { send_all(); }};
    Attendant attendant{duties, 1ms};
    Notifier notifier{requests, attendant, 1h};
};

TEST_CASE_FIXTURE(Fixture, "a signal found later is sent at once, without a thread") {
    const CriticalSection section;
    Request& request = done(signal_with(5));
    notifier.request_is_done(request, Moment::later);
    CHECK(!attendant.runs());
    const auto info = signal.there();
    REQUIRE(info);
    CHECK(info->si_value.sival_int == 5);
    CHECK(info->si_code == SI_ASYNCIO);
    CHECK(&requests.take() == &request);
}

TEST_CASE_FIXTURE(Fixture, "a signal found inside the starting call comes from the attendant") {
    send_all = [this] { notifier.send_all(); };
    {
        const CriticalSection section;
        notifier.request_is_done(done(signal_with(6)), Moment::in_starting_call);
        CHECK(attendant.runs());
        CHECK(!signal.there());
    }
    CHECK(next_value() == 6);
    CHECK(ends(attendant));
}

TEST_CASE_FIXTURE(Fixture, "a thread is made by the attendant, whenever the completion is found") {
    send_all = [this] { notifier.send_all(); };
    std::atomic<int> called{0};
    {
        const CriticalSection section;
        notifier.request_is_done(done(thread_with(called)), Moment::in_starting_call);
        notifier.request_is_done(done(thread_with(called)), Moment::later);
    }
    CHECK(eventually([&] { return called == 2; }));
}

TEST_CASE_FIXTURE(Fixture, "a request without a notice is given back at once") {
    const CriticalSection section;
    sigevent none{};
    none.sigev_notify = SIGEV_NONE;
    Request& request = done(none);
    notifier.request_is_done(request, Moment::in_starting_call);
    CHECK(!attendant.runs());
    CHECK(&requests.take() == &request);
}

TEST_CASE_FIXTURE(Fixture, "a list's notice comes with its last request, and after the requests'") {
    const sigevent of_list = signal_with(100);
    for (const Moment moment : {Moment::later, Moment::in_starting_call}) {
        {
            const CriticalSection section;
            send_all = [this] { notifier.send_all(); };
            RequestList& list = list_of(2, of_list);
            notifier.request_is_done(done(signal_with(1), &list), moment);
            notifier.request_is_done(done(signal_with(2), &list), moment);
        }
        CHECK(next_value() == 1);
        CHECK(next_value() == 2);
        CHECK(next_value() == 100);
    }
    CHECK(!signal.there());
}

TEST_CASE_FIXTURE(Fixture, "what waits is sent in the order of completion, lists in between") {
    const CriticalSection section; // the attendant waits for it
    notifier.count_down(list_of(1, signal_with(100)), Moment::in_starting_call);
    notifier.request_is_done(done(signal_with(1)), Moment::in_starting_call);
    CHECK(!signal.there());
    notifier.send_all(); // by this thread, in the attendant's place
    CHECK(next_value() == 100);
    CHECK(next_value() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a list's signal waits for one of its requests' that waits") {
    const CriticalSection section;
    RequestList& list = list_of(2, signal_with(100));
    notifier.request_is_done(done(signal_with(1), &list), Moment::in_starting_call);
    notifier.request_is_done(done(signal_with(2), &list), Moment::later);
    notifier.send_all();
    CHECK(next_value() == 1);
    CHECK(next_value() == 2);
    CHECK(next_value() == 100);
}

TEST_CASE_FIXTURE(Fixture, "a list's signal waits until the function of a request has returned") {
    const CriticalSection section;
    RequestList& list = list_of(1, signal_with(100));
    notifier.request_is_done(done(thread_that_waits(), &list), Moment::later);
    notifier.send_all();
    CHECK(!signal.there());
    let_return();
    CHECK(eventually([&] {
        notifier.send_all();
        return list.unfinished == 0;
    }));
    CHECK(next_value() == 100);
}

TEST_CASE_FIXTURE(Fixture, "or until it is inside for long enough, as it may wait for the list") {
    std::atomic<int> list_told{0};
    Notifier soon{requests, attendant, 1ns};
    const CriticalSection section;
    RequestList& list = list_of(1, thread_with(list_told));
    Request& request = done(thread_that_waits(), &list);
    soon.request_is_done(request, Moment::later);
    CHECK(eventually([&] {
        soon.send_all();
        return list_told == 1;
    }));
    let_return();
    CHECK(eventually([&] { return request.thread.now() == posix::ThreadProgress::Is::ended; }));
}

TEST_CASE_FIXTURE(Fixture, "a list that is awaited does not wait for the notices of its requests") {
    const CriticalSection section;
    RequestList& list = *requests.make_list(true, nullptr);
    notifier.request_is_done(done(signal_with(1), &list), Moment::in_starting_call);
    CHECK(list.unfinished == 0);
    CHECK(!signal.there());
    notifier.send_all();
    CHECK(next_value() == 1);
}

/// While it exists no more signals can be queued to this user's processes than there are.
class NoRoomForSignals {
public:
    NoRoomForSignals() {
        REQUIRE(::getrlimit(RLIMIT_SIGPENDING, &before_) == 0);
        const rlimit none{0, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_SIGPENDING, &none) == 0);
    }
    ~NoRoomForSignals() { ::setrlimit(RLIMIT_SIGPENDING, &before_); }
    NoRoomForSignals(const NoRoomForSignals&) = delete;
    NoRoomForSignals& operator=(const NoRoomForSignals&) = delete;

private:
    rlimit before_{};
};

TEST_CASE_FIXTURE(Fixture, "a signal for which there is no room is sent when there is") {
    const CriticalSection section;
    {
        const NoRoomForSignals full;
        notifier.request_is_done(done(signal_with(1)), Moment::later);
        CHECK(notifier.retry_after() > 0s);
        notifier.send_all();
        CHECK(notifier.retry_after() > Notifier::least_pause); // less and less often
        CHECK(!signal.there());
    }
    notifier.request_is_done(done(signal_with(2)), Moment::later); // tries the first as well
    CHECK(next_value() == 1);
    CHECK(next_value() == 2);
    CHECK(notifier.retry_after() == 0s);
}

TEST_CASE_FIXTURE(Fixture, "other notices do not wait for signals that there is no room for") {
    const BlockedSignal plain{SIGUSR1};
    std::atomic<int> called{0};
    const CriticalSection section;
    {
        const NoRoomForSignals full;
        notifier.request_is_done(done(signal_with(1)), Moment::later);
        sigevent other = signal_with(2);
        other.sigev_signo = plain;
        notifier.request_is_done(done(other), Moment::later);
        CHECK(plain.there());
        notifier.request_is_done(done(thread_with(called)), Moment::later);
        notifier.send_all();
        CHECK(eventually([&] { return called == 1; }));
    }
    notifier.send_all();
    CHECK(next_value() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a list that is awaited is left to its waiter") {
    const CriticalSection section;
    RequestList& list = *requests.make_list(true, nullptr);
    CHECK(notifier.count_down(list, Moment::later));
    RequestList* const other = requests.make_list(true, nullptr);
    CHECK(other != &list);
    CHECK(!attendant.runs());
}

} // namespace
} // namespace aioxx::test
