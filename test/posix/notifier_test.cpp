// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/notifier.hpp"

#include "posix/fake_duties.hpp"

#include <atomic>
#include <functional>

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
            ++*static_cast<std::atomic<int>*>(value.sival_ptr);
        };
        return event;
    }
    /// A request that is done, with that notice.
    Request& done(const sigevent& notification) {
        Request& request = requests.take();
        request.notification = notification;
        request.attended = false;
        return request;
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
    Notifier notifier{requests, attendant};
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
            RequestList& list = *requests.make_list(false, &of_list);
            list.unfinished = 2;
            notifier.request_is_done(done(signal_with(1)), moment);
            CHECK(!notifier.count_down(list, moment));
            notifier.request_is_done(done(signal_with(2)), moment);
            CHECK(notifier.count_down(list, moment));
        }
        CHECK(next_value() == 1);
        CHECK(next_value() == 2);
        CHECK(next_value() == 100);
    }
    CHECK(!signal.there());
}

TEST_CASE_FIXTURE(Fixture, "of what was left to the attendant the requests' notices come first") {
    send_all = [] {};
    const CriticalSection section;
    const sigevent of_list = signal_with(100);
    notifier.count_down(*requests.make_list(false, &of_list), Moment::in_starting_call);
    notifier.request_is_done(done(signal_with(1)), Moment::in_starting_call);
    CHECK(!signal.there());
    notifier.send_all(); // by this thread, in the attendant's place
    CHECK(next_value() == 1);
    CHECK(next_value() == 100);
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
