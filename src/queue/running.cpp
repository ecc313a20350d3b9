// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Delivering completions, deadlines, and waiting.

#include "queue/implementation.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>

#include <sys/timerfd.h>

AIOXX_NAMESPACE_BEGIN
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds longest_timer{std::min<std::int64_t>(
    std::numeric_limits<time_t>::max(), std::chrono::nanoseconds::max().count() / 1'000'000'000)};

} // namespace

/// One round: everything that has completed by now is delivered, and what that starts is submitted
/// by one call. Returns how many were delivered.
std::size_t Queue::Implementation::pass() {
    std::size_t count = 0;
    if (!engine.is_open()) [[unlikely]] {
        return 0; // a child's copy: what it holds is its parent's to deliver
    }
    if (any_posts.load(std::memory_order_acquire)) [[unlikely]] {
        count += deliver_posts();
    }
    return count + round();
}

/// The same without posted calls, which may come without end.
std::size_t Queue::Implementation::round() {
    std::size_t count = 0;
    engine.reap();
    if (!timers.empty()) {
        count += expire();
    }
    count += deliver();
    engine.flush();
    return count;
}

std::size_t Queue::Implementation::deliver() {
    std::size_t count = 0;
    while (engine::Operation* const operation = engine.take()) {
        complete(static_cast<Record&>(*operation));
        ++count;
    }
    while (engine::Operation* const operation = finished.pop_front()) {
        operation->state = engine::State::idle;
        complete(static_cast<Record&>(*operation));
        ++count;
    }
    return count;
}

void Queue::Implementation::complete(Record& record) {
    if (record.timer != Record::no_timer) [[unlikely]] {
        timers.remove(record);
    }
    if (record.quarantined) [[unlikely]] {
        --quarantined; // its user was told long ago
        pool.give_back(record);
        return;
    }
    if (record.timed_out && record.result == -ECANCELED) [[unlikely]] {
        record.result = -ETIMEDOUT;
        ++timed_out;
    }
    Completion completion{record.result, record.result2, record.done, record.end_of_file,
                          std::move(record.buffer)};
    if (!record.own) {
        --outstanding;
        if (!rooms.empty() && !record.is_room()) [[unlikely]] {
            admit_waiting_for_room();
        }
    }
    call(record, completion);
    if (record.is_room()) [[unlikely]] {
        admit_waiting_for_room(); // not before: that place was its own
    }
    pool.give_back(record);
}

void Queue::Implementation::call(detail::Handler& handler, Completion& completion) {
    ++delivering;
    try {
        handler.invoke(completion);
    } catch (...) {
        keep(std::current_exception()); // run() raises it when all are delivered
    }
    --delivering;
}

std::size_t Queue::Implementation::deliver_posts() {
    std::vector<std::unique_ptr<detail::Handler>> calls;
    std::vector<OperationId> cancels;
    {
        const std::lock_guard lock{posts_mutex};
        calls.swap(posts);
        cancels.swap(cancel_requests);
        any_posts.store(false, std::memory_order_release);
    }
    for (const OperationId id : cancels) {
        if (Record* const record = pool.find(id)) {
            cancel(*record);
        }
    }
    for (const auto& handler : calls) {
        Completion nothing;
        call(*handler, nothing);
    }
    return calls.size();
}

void Queue::Implementation::admit_waiting_for_room() noexcept {
    while (!rooms.empty() && !is_full()) {
        finish_own(static_cast<Record&>(*rooms.pop_front()), 0);
    }
}

/// A sleep ends well; a wait for room has timed out.
void Queue::Implementation::expire_own(Record& record) noexcept {
    if (record.is_room()) {
        rooms.remove(record);
        record.timed_out = true;
        finish_own(record, ECANCELED);
    } else {
        finish_own(record, 0);
    }
}

/// Ends what is past its deadline, each by what can be done for it. Returns how many were told so.
std::size_t Queue::Implementation::expire() {
    std::size_t count = 0;
    const Clock::time_point now = Clock::now();
    while (!timers.empty() && timers.first().deadline <= now) {
        Record& record = timers.first();
        timers.remove(record);
        if (record.state == engine::State::completed) {
            continue; // in time, and not delivered yet
        }
        if (record.kind == engine::Kind::none) {
            expire_own(record);
            continue;
        }
        record.timed_out = true;
        const engine::Cancelled outcome = engine.cancel(record);
        if (outcome != engine::Cancelled::runs_on || record.borrows) {
            continue; // its completion is here, or comes; or its memory cannot be kept
        }
        // The waiter goes on now. The record, and the buffer in it, stay until the kernel is done.
        ++timed_out;
        ++quarantined;
        --outstanding;
        record.quarantined = true;
        Completion completion{-ETIMEDOUT, 0, record.done, false, {}};
        ++count;
        admit_waiting_for_room();
        call(record, completion);
        record.reset();
    }
    watch_timers();
    return count;
}

/// With an event loop the next deadline has to make the eventfd readable: a timerfd, polled by an
/// operation of the queue's own.
void Queue::Implementation::watch_timers() noexcept {
    if (!options.use_event_fd || timers.empty() ||
        (timer_watch != nullptr && timers.first().deadline == timer_set)) {
        return;
    }
    if (!timer_file) {
        std::error_code error;
        File file =
            File::adopt(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), error);
        if (error) {
            return; // run_ready() still looks at the clock whenever it is called
        }
        timer_file.emplace(std::move(file));
    }
    timer_set = timers.first().deadline;
    // A time_t of 32 bits ends sooner: the timer then rings early, once in 68 years.
    const auto since_epoch =
        std::clamp<std::chrono::nanoseconds>(timer_set.time_since_epoch(), 1ns, longest_timer);
    itimerspec setting{};
    setting.it_value.tv_sec = static_cast<time_t>(since_epoch.count() / 1'000'000'000);
    setting.it_value.tv_nsec = static_cast<long>(since_epoch.count() % 1'000'000'000);
    ::timerfd_settime(timer_file->fd(), TFD_TIMER_ABSTIME, &setting, nullptr);
    if (timer_watch != nullptr) {
        return;
    }
    try {
        Record& watch = pool.take();
        watch.file = &engine.state_of(*timer_file);
        watch.kind = engine::Kind::poll;
        watch.poll_events = 1; // POLLIN
        watch.own = true;
        watch.borrows = false;
        watch.quarantined = false;
        watch.timed_out = false;
        watch.emplace([this](const Completion&) {
            timer_watch = nullptr;
            watch_timers(); // it has told of one: there may be others
        });
        timer_watch = &watch;
        engine.start(watch);
    } catch (const std::bad_alloc&) { // tried again with the next deadline
    }
}

void Queue::Implementation::wait(bool heeds_stop) {
    if (engine.has_completed() || !finished.empty() || any_posts.load() ||
        (heeds_stop && stopped.load())) {
        return;
    }
    std::error_code error; // EINTR: the caller's loop comes round, and counts the time anew
    if (timers.empty()) {
        engine.wait(nullptr, error);
        return;
    }
    const std::chrono::nanoseconds left = time_until(timers.first().deadline);
    engine.wait(&left, error);
}

/// However far away it is, before or behind.
std::chrono::nanoseconds Queue::Implementation::time_until(Clock::time_point time) noexcept {
    const Clock::time_point now = Clock::now();
    return time > now ? time - now : Clock::duration::zero();
}

bool Queue::Implementation::anything_outstanding() noexcept {
    return engine.is_open() && (outstanding > 0 || any_posts.load(std::memory_order_acquire));
}

AIOXX_NAMESPACE_END
