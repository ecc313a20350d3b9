// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/notifier.hpp"

#include "posix/critical_section.hpp"
#include "posix/notification.hpp"

#include <algorithm>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::nanoseconds longest_pause = std::chrono::milliseconds{64};

bool is_for_attendant(const sigevent& notification, Moment moment) noexcept {
    return wants_thread(notification) || moment == Moment::in_starting_call;
}

Request& as_request(Notice& notice) noexcept {
    return static_cast<Request&>(notice);
}

RequestList& as_list(Notice& notice) noexcept {
    return static_cast<RequestList&>(notice);
}

/// For other threads that want it.
void release_lock_briefly() noexcept {
    CriticalSection::unlock();
    CriticalSection::lock();
}

} // namespace

Notifier::Means Notifier::means_of(const sigevent& notification) noexcept {
    if (wants_thread(notification)) {
        return Means::thread;
    }
    constexpr int first_queued = 32; // the C library's own among them; SIGRTMIN is above those
    return notification.sigev_signo >= first_queued ? Means::queued_signal : Means::plain_signal;
}

void Notifier::request_is_done(Request& request, Moment moment) noexcept {
    RequestList* const list = request.list;
    if (list == nullptr || wants_notice(list->notification)) {
        tell(request, moment);
        return;
    }
    request.list = nullptr; // LIO_WAIT needs the result, and not its notice
    tell(request, moment);
    count_down(*list, moment);
}

bool Notifier::count_down(RequestList& list, Moment moment) noexcept {
    if (--list.unfinished > 0) {
        return false;
    }
    tell(list, moment);
    return true;
}

/// Sends the notice, or leaves it to wait.
void Notifier::tell(Notice& notice, Moment moment) noexcept {
    const sigevent& notification = notice.notification;
    if (!wants_notice(notification)) {
        told(notice, moment);
        return;
    }
    Notices& waiting_before = waiting(means_of(notification));
    const bool can_be_sent = !is_for_attendant(notification, moment) && waiting_before.empty();
    if (can_be_sent && send_signal(notification)) {
        told(notice, moment);
        return;
    }
    waiting_before.push_back(notice);
    // No thread is made where a completion is found: that may be a signal handler.
    if (moment == Moment::in_starting_call || attendant_.runs()) {
        attendant_.attend(notice, true);
    }
    if (attendant_.runs()) {
        attendant_.wake();
    } else {
        send_signals();
    }
}

void Notifier::told(Notice& notice, Moment moment) noexcept {
    if (notice.of == Notice::Of::request) {
        Request& request = as_request(notice);
        RequestList* const list = request.list;
        attendant_.release(request);
        requests_.give_back(request);
        if (list != nullptr) {
            count_down(*list, moment);
        }
        return;
    }
    attendant_.release(notice);
    if (!as_list(notice).awaited) {
        requests_.give_back(as_list(notice));
    }
}

bool Notifier::send_first_signal(Means means) noexcept {
    Notice* const first = waiting(means).front();
    if (first == nullptr || !send_signal(first->notification)) {
        return false;
    }
    waiting(means).remove(*first);
    told(*first, Moment::later);
    return true;
}

void Notifier::send_signals() noexcept {
    while (send_first_signal(Means::plain_signal) || send_first_signal(Means::queued_signal)) {
    }
}

bool Notifier::make_first_thread() noexcept {
    Notice* const first = waiting(Means::thread).pop_front();
    if (first == nullptr) {
        return false;
    }
    const sigevent notification = first->notification;
    const bool holds_up_list =
        first->of == Notice::Of::request && as_request(*first).list != nullptr;
    ThreadProgress* progress = nullptr;
    std::uint64_t number = 0;
    if (holds_up_list) {
        Request& request = as_request(*first);
        progress = &request.thread;
        number = request.number;
        progress->begin_use(number);
        request.seen_running = {};
    }
    CriticalSection::unlock();
    const bool made = make_thread(notification, progress, number);
    CriticalSection::lock();
    if (!made) {
        waiting(Means::thread).push_front(*first);
    } else if (holds_up_list) {
        beginning_.push_back(*first);
    } else {
        told(*first, Moment::later);
    }
    return made;
}

/// Whether any thread was found to have called the program's function.
bool Notifier::settle_threads() noexcept {
    using Is = ThreadProgress::Is;
    bool any = false;
    for (Notice* each = beginning_.front(); each != nullptr;) {
        Request& request = as_request(*std::exchange(each, Notices::next(*each)));
        const Is is = request.thread.now();
        const auto now = Clock::now();
        if (is != Is::made && request.seen_running == Clock::time_point{}) {
            request.seen_running = now;
        }
        if (is == Is::ended || (is == Is::begun && now - request.seen_running >= time_to_begin_)) {
            beginning_.remove(request);
            told(request, Moment::later);
            any = true;
        }
    }
    return any;
}

void Notifier::send_all() noexcept {
    bool any_was_sent = false;
    for (bool any = true; any;) { // others come while the lock is released
        any = settle_threads();
        any |= make_first_thread();
        for (const Means means : {Means::queued_signal, Means::plain_signal}) {
            if (send_first_signal(means)) {
                any = true;
                release_lock_briefly();
            }
        }
        any_was_sent |= any;
    }
    const bool is_soon = any_was_sent || !beginning_.empty();
    pause_ = is_soon ? least_pause : std::min(2 * pause_, longest_pause);
}

} // namespace posix
AIOXX_NAMESPACE_END
