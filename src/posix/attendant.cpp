// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The thread that goes on when the program does not come by.

#include "posix/layer.hpp"

#include "engine/monotonic.hpp"
#include "posix/notification.hpp"

#include <algorithm>
#include <cstdlib>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

constexpr std::size_t attendants_stack = std::size_t{256} * 1024;

struct Call {
    void (*function)(sigval);
    sigval value;
};

void* make_call(void* given) {
    auto* const allocated = static_cast<Call*>(given);
    const Call call = *allocated;
    std::free(allocated);
    sigset_t none; // as glibc has it; the attendant's own mask is full
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    call.function(call.value);
    return nullptr;
}

/// SIGEV_THREAD. Where no thread can be made the notice is lost, as with glibc.
void make_thread(const sigevent& notification) noexcept {
    auto* const call = static_cast<Call*>(std::malloc(sizeof(Call)));
    if (call == nullptr) {
        return;
    }
    *call = {notification.sigev_notify_function, notification.sigev_value};
    pthread_attr_t detached;
    ::pthread_attr_init(&detached);
    ::pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    const auto* attributes =
        static_cast<const pthread_attr_t*>(notification.sigev_notify_attributes);
    pthread_t thread{};
    if (::pthread_create(&thread, attributes != nullptr ? attributes : &detached, make_call,
                         call) != 0) {
        std::free(call);
    }
    ::pthread_attr_destroy(&detached);
}

} // namespace

void Layer::attend(Request& request) noexcept {
    if (std::exchange(request.attended, true)) {
        return;
    }
    ++attended_;
    start_attendant();
}

void Layer::end_attention(Request& request) noexcept {
    if (std::exchange(request.attended, false)) {
        one_less_attended();
    }
}

/// A thread that waits for long shall not stay for that long without a reason.
void Layer::one_less_attended() noexcept {
    if (--attended_ == 0 && attendant_waits_ > 2 * settings_.idle) {
        engine_.wake();
    }
}

/// Called where threads may be made: in a call that starts requests. Elsewhere it runs already,
/// since what asks for it did so when it was started. Whether it runs.
bool Layer::start_attendant() noexcept {
    if (attendant_runs_) {
        if (attendant_idles_) {
            ::pthread_cond_signal(&attention_);
        }
        return true;
    }
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, attendants_stack);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    const auto run = [](void* layer) -> void* {
        static_cast<Layer*>(layer)->attendant();
        return nullptr;
    };
    pthread_t thread{};
    // It inherits the mask, which is full. With no thread to be had the program's own calls see to
    // what there is.
    attendant_runs_ = ::pthread_create(&thread, &attributes, run, this) == 0;
    ::pthread_attr_destroy(&attributes);
    return attendant_runs_;
}

void Layer::attendant() noexcept {
    constexpr std::chrono::nanoseconds longest = std::chrono::hours{1};
    constexpr std::chrono::nanoseconds retry = std::chrono::milliseconds{1};
    const std::chrono::nanoseconds shortest =
        std::max<std::chrono::nanoseconds>(settings_.idle, std::chrono::milliseconds{100});
    std::chrono::nanoseconds limit = shortest;
    CriticalSection::lock();
    do {
        while (attended_ > 0 && !is_cut_off()) {
            take_in();
            engine_.flush(); // with threads, where they are wanted
            take_in();
            notify_all();
            if (attended_ > 0 && !engine_.has_events()) {
                const auto now = engine_.has_unsubmitted() ? retry : limit;
                attendant_waits_ = now;
                CriticalSection::unlock();
                engine_.await_event(now);
                CriticalSection::lock();
                attendant_waits_ = {};
                limit = engine_.has_events() ? shortest : std::min(limit * 2, longest);
            }
        }
    } while (!cut_off_ && idle());
    attendant_runs_ = false;
    CriticalSection::unlock();
}

/// True when there is something to do again.
bool Layer::idle() noexcept {
    attendant_idles_ = true;
    const timespec deadline = engine::monotonic_in(settings_.idle);
    while (attended_ == 0 && CriticalSection::wait(attention_, deadline)) {
    }
    attendant_idles_ = false;
    return attended_ > 0;
}

void Layer::notify_all() noexcept {
    while (Request* const request = to_notify_.pop_front()) {
        const sigevent notification = request->notification;
        end_attention(*request);
        pool_.give_back(*request);
        notify_unlocked(notification);
    }
    while (RequestList* const list = lists_to_notify_.pop_front()) {
        const sigevent notification = list->notification;
        one_less_attended();
        lists_.give_back(*list);
        notify_unlocked(notification);
    }
}

void Layer::notify_unlocked(const sigevent& notification) noexcept {
    CriticalSection::unlock();
    if (wants_thread(notification)) {
        make_thread(notification);
    } else {
        notify(notification);
    }
    CriticalSection::lock();
}

} // namespace posix
AIOXX_NAMESPACE_END
