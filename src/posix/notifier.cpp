// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/notifier.hpp"

#include "posix/critical_section.hpp"
#include "posix/notification.hpp"

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

bool is_for_attendant(const sigevent& notification, Moment moment) noexcept {
    return wants_thread(notification) ||
           (moment == Moment::in_starting_call && wants_signal(notification));
}

void send_here(const sigevent& notification) noexcept {
    if (wants_signal(notification)) {
        send_signal(notification);
    }
}

void send_unlocked(const sigevent& notification) noexcept {
    CriticalSection::unlock();
    if (wants_thread(notification)) {
        make_thread(notification);
    } else {
        send_here(notification);
    }
    CriticalSection::lock();
}

} // namespace

void Notifier::request_is_done(Request& request, Moment moment) noexcept {
    if (is_for_attendant(request.notification, moment)) {
        attendant_.attend(request);
        if (attendant_.runs()) {
            requests_to_tell_.push_back(request);
            attendant_.wake();
            return;
        }
    }
    send_here(request.notification);
    attendant_.release(request);
    requests_.give_back(request);
}

bool Notifier::count_down(RequestList& list, Moment moment) noexcept {
    if (--list.unfinished > 0) {
        return false;
    }
    if (is_for_attendant(list.notification, moment)) {
        attendant_.add_reason();
        if (attendant_.runs()) {
            lists_to_tell_.push_back(list);
            attendant_.wake();
            return true;
        }
        attendant_.remove_reason();
    }
    send_here(list.notification);
    if (!list.awaited) {
        requests_.give_back(list);
    }
    return true;
}

void Notifier::send_all() noexcept {
    for (;;) {
        // Others come while the lock is released; a list may be that of a request among them.
        sigevent notification{};
        if (Request* const request = requests_to_tell_.pop_front()) {
            notification = request->notification;
            attendant_.release(*request);
            requests_.give_back(*request);
        } else if (RequestList* const list = lists_to_tell_.pop_front()) {
            notification = list->notification;
            attendant_.remove_reason();
            requests_.give_back(*list);
        } else {
            return;
        }
        send_unlocked(notification);
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
