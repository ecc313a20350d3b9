// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/attendant.hpp"

#include "engine/monotonic.hpp"
#include "posix/critical_section.hpp"

#include <algorithm>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

constexpr std::size_t stack_size = std::size_t{256} * 1024;
constexpr std::chrono::nanoseconds least_sleep = std::chrono::milliseconds{100};
constexpr std::chrono::nanoseconds longest_sleep = std::chrono::hours{1};
constexpr std::chrono::nanoseconds no_time = std::chrono::nanoseconds::zero();
constexpr std::chrono::nanoseconds least_nap = std::chrono::microseconds{50};
constexpr std::chrono::nanoseconds longest_nap = std::chrono::milliseconds{1};

} // namespace

Attendant::Attendant(Duties& duties, std::chrono::nanoseconds idle) noexcept
    : duties_(duties), idle_(idle) {
    pthread_condattr_t attributes;
    ::pthread_condattr_init(&attributes);
    ::pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    ::pthread_cond_init(&reason_came_, &attributes);
    ::pthread_condattr_destroy(&attributes);
}

bool Attendant::start() noexcept {
    if (runs_) {
        if (idles_) {
            ::pthread_cond_signal(&reason_came_);
        }
        return true;
    }
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, stack_size);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    const auto run = [](void* attendant) -> void* {
        static_cast<Attendant*>(attendant)->run();
        return nullptr;
    };
    pthread_t thread{};
    // The thread inherits the signal mask of the CriticalSection: all are blocked.
    runs_ = ::pthread_create(&thread, &attributes, run, this) == 0;
    ::pthread_attr_destroy(&attributes);
    return runs_;
}

void Attendant::remove_reason() noexcept {
    // A thread without a reason does not stay asleep for much longer than it may idle.
    if (--reasons_ == 0 && sleeps_for_ > 2 * idle_) {
        duties_.wake();
    }
}

void Attendant::attend(Notice& notice, bool at_once) noexcept {
    if (!std::exchange(notice.attended, true)) {
        notice.at_once = at_once;
        reasons_at_once_ += at_once ? 1 : 0;
        add_reason();
    }
}

void Attendant::release(Notice& notice) noexcept {
    if (std::exchange(notice.attended, false)) {
        reasons_at_once_ -= notice.at_once ? 1 : 0;
        remove_reason();
    }
}

void Attendant::run() noexcept {
    CriticalSection::lock();
    next_sleep_ = std::max(idle_, least_sleep);
    do {
        while (reasons_ > 0 && !duties_.is_over()) {
            duties_.work();
            if (reasons_ > 0 && !duties_.has_work()) {
                sleep();
            }
        }
    } while (!duties_.is_over() && idle());
    runs_ = false;
    CriticalSection::unlock();
}

/// Sleeps longer each time in a row that nothing came of it.
///
/// Each completion ends the sleep, and where the program looks for completions itself the two would
/// be in each other's way at each one. So this thread leaves them to the program for a while, and
/// for longer each time in a row that the program has looked.
void Attendant::sleep() noexcept {
    const std::chrono::nanoseconds retry = duties_.retry_after();
    sleeps_for_ = retry > no_time ? retry : next_sleep_;
    const std::chrono::nanoseconds limit = sleeps_for_;
    const bool may_sleep = duties_.begin_sleep();
    CriticalSection::unlock();
    if (may_sleep) {
        duties_.sleep(limit);
    }
    duties_.end_sleep();
    if (nap_ > no_time && reasons_at_once_ == 0) {
        duties_.nap(nap_);
    }
    CriticalSection::lock();
    const std::uint64_t looks = duties_.programs_looks();
    nap_ = std::exchange(looks_, looks) == looks ? no_time
                                                 : std::clamp(2 * nap_, least_nap, longest_nap);
    sleeps_for_ = {};
    next_sleep_ = duties_.has_work() ? std::max(idle_, least_sleep)
                                     : std::min(next_sleep_ * 2, longest_sleep);
}

/// Whether a reason came in time.
bool Attendant::idle() noexcept {
    idles_ = true;
    const timespec deadline = engine::monotonic_in(idle_);
    while (reasons_ == 0 && CriticalSection::wait(reason_came_, deadline)) {
    }
    idles_ = false;
    return reasons_ > 0;
}

} // namespace posix
AIOXX_NAMESPACE_END
