// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Delivering completions, deadlines, and waiting.

#include "queue/borrowed_memory.hpp"
#include "queue/implementation.hpp"
#include "queue/wait_list.hpp"

#include "queue/at_return.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>

#include <sys/timerfd.h>

AIOXX_NAMESPACE_BEGIN
namespace mark = queue::mark;
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds longest_timer{std::min<std::int64_t>(
    std::numeric_limits<time_t>::max(), std::chrono::nanoseconds::max().count() / 1'000'000'000)};

} // namespace

/// One round: everything that has completed by now is delivered, and what that starts is submitted
/// by one call. Returns how many were delivered.
std::size_t Queue::Implementation::pass() {
    std::size_t count = 0;
    if (is_copy()) [[unlikely]] {
        return 0; // a child's copy: what it holds is its parent's to deliver
    }
    pass_time = engine::monotonic_tick();
    if (any_posts.load(std::memory_order_acquire)) [[unlikely]] {
        count += deliver_posts();
    }
    return count + round();
}

/// The same, and returns how many users were told: not of what has none, or none any more.
std::size_t Queue::Implementation::pass_for_user() {
    const std::size_t outside = std::exchange(untold, 0);
    const std::size_t count = pass();
    return count - std::exchange(untold, outside);
}

/// The same without posted calls, which may come without end.
std::size_t Queue::Implementation::round() {
    std::size_t count = 0;
    engine.reap();
    if (!ended_pool_waits.empty()) [[unlikely]] {
        end_pool_waits();
    }
    if (!timers.empty()) {
        expire();
    }
    count += deliver();
    if (!is_copy()) [[likely]] { // a callback may have forked
        engine.flush();
    }
    return count;
}

/// What has completed by now, and not what its callbacks complete: they may do so without end. They
/// may also deliver, so that there is less than there was.
///
/// Those that the queue has ended itself come first: a write that was never begun is told before a
/// flush that was started after it.
std::size_t Queue::Implementation::deliver() {
    const std::size_t given_up = first_given_up != nullptr ? tell_given_up() : 0;
    const std::size_t transferred = engine.completed();
    const std::size_t own = finished.empty() ? 0 : deliver_own(finished.size());
    if (own != 0 && is_copy()) [[unlikely]] {
        return given_up + own; // it has forked: the others are its parent's
    }
    std::size_t left = transferred;
    for (; left > 0; --left) {
        engine::Operation* const operation = engine.take();
        if (operation == nullptr) [[unlikely]] {
            break;
        }
        complete(static_cast<Record&>(*operation));
        if (is_copy()) [[unlikely]] {
            return given_up + own + transferred - left + 1;
        }
    }
    return given_up + own + transferred - left;
}

/// At most `most` of those that never enter the engine.
std::size_t Queue::Implementation::deliver_own(std::size_t most) {
    std::size_t count = 0;
    while (count < most && !finished.empty()) {
        engine::Operation* const operation = finished.pop_front();
        operation->move_to(engine::State::idle);
        ++count;
        complete(static_cast<Record&>(*operation));
        if (is_copy()) [[unlikely]] {
            break;
        }
    }
    return count;
}

/// One more whose user is told, and this.
inline void Queue::Implementation::count_told(const Record& record) noexcept {
    count_told(record.result);
    if (!rooms.empty() && !record.waits_for_capacity()) [[unlikely]] {
        admit_waiting_for_room();
    }
}

void Queue::Implementation::complete(Record& record) {
    if (record.timer != Record::no_timer) [[unlikely]] {
        timers.remove(record);
    }
    if (record.marks != 0) [[unlikely]] {
        complete_marked(record);
        return;
    }
    count_told(record);
    tell(record);
}

/// One of the queue's own, or that could have been given up.
void Queue::Implementation::complete_marked(Record& record) {
    if (record.is(mark::given_up)) {
        ended_in_quarantine(record);
        return;
    }
    if (record.is(mark::copied)) {
        queue::give_back_copy(record, copies);
    }
    if (record.is(mark::timed_out) && record.result == -ECANCELED) {
        record.result = -ETIMEDOUT;
    }
    if (record.is(mark::own)) {
        ++untold;
    } else {
        count_told(record);
    }
    record.marks = 0;
    tell(record);
}

/// Calls its callback, and gives it back.
inline void Queue::Implementation::tell(Record& record) {
    const bool owns = record.buffer.data() != nullptr;
    Completion completion{record.result, record.result2, record.done, record.end_of_file,
                          owns ? std::move(record.buffer) : AlignedBuffer{}};
    const queue::Inside inside{delivering};
    const queue::AtReturn ended{[this, &record]() noexcept { give_back(record); }};
    call(record, completion);
}

/// Those that were there when it began, in their order, also when one of them delivers others.
std::size_t Queue::Implementation::deliver_posts() {
    take_posts();
    std::size_t count = 0;
    for (std::size_t left = taken_posts.size() - posts_called;
         left > 0 && posts_called < taken_posts.size(); --left) {
        const queue::Inside inside{delivering};
        const std::unique_ptr<detail::Handler> handler = std::move(taken_posts[posts_called]);
        if (++posts_called == taken_posts.size()) {
            const std::lock_guard lock{posts_mutex};
            any_posts.store(!posts.empty() || cancel_requests.count() > 0,
                            std::memory_order_release);
        }
        Completion nothing;
        ++count;
        call(*handler, nothing);
        if (is_copy()) [[unlikely]] {
            break;
        }
    }
    return count;
}

/// Cancels what was asked for, and takes the calls, unless some are left.
void Queue::Implementation::take_posts() noexcept {
    std::size_t requests = 0;
    {
        const std::lock_guard lock{posts_mutex};
        requests = cancel_requests.count();
        if (posts_called == taken_posts.size()) {
            taken_posts.clear();
            posts_called = 0;
            taken_posts.swap(posts);
            any_posts.store(!taken_posts.empty(), std::memory_order_release);
        }
    }
    cancel_requested(requests);
}

/// The `count` oldest that other threads have asked for; more may come meanwhile.
void Queue::Implementation::cancel_requested(std::size_t count) noexcept {
    for (; count > 0; --count) {
        std::unique_lock lock{posts_mutex};
        const OperationId id = cancel_requests.take();
        lock.unlock();
        if (Record* const record = pool.find(id)) {
            cancel(*record);
        }
    }
}

void Queue::Implementation::give_back_own(Record& record) noexcept {
    if (record.waits_for_capacity()) {
        admit_waiting_for_room(); // not before: that place was its own
    } else if (detail::WaitList::has(record)) {
        detail::WaitList::of(record).forget(record);
    }
}

void Queue::Implementation::admit_waiting_for_room() noexcept {
    for (engine::Operation* next = rooms.front(); next != nullptr && !is_full();) {
        auto& waiting = static_cast<Record&>(*next);
        next = engine::OperationList::next(*next);
        if (copies.fits(waiting.request.length)) {
            rooms.remove(waiting);
            --places;
            finish_own(waiting, 0);
        }
    }
}

/// A sleep ends well, unless its deadline comes before its end; a wait for something else has timed
/// out.
void Queue::Implementation::expire_own(Record& record) noexcept {
    if (!leave_own_list(record)) {
        return; // and well
    }
    if (record.times_out) {
        record.marks |= mark::timed_out;
    }
    finish_own(record, record.times_out ? ECANCELED : 0);
}

/// Ends what is past its deadline, each by what can be done for it.
void Queue::Implementation::expire() {
    const Clock::time_point now = Clock::now();
    while (!timers.empty() && timers.first().deadline <= now) {
        Record& record = timers.first();
        timers.remove(record);
        if (record.state() == engine::State::completed) {
            continue; // in time, and not delivered yet
        }
        if (record.is_queues_own()) {
            expire_own(record);
            continue;
        }
        record.marks |= mark::timed_out;
        if (engine.cancel(record) == Cancellation::runs_on && !record.borrows) {
            give_up(record);
        }
    }
    watch_timers();
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
    set_timer();
    if (timer_watch == nullptr) {
        watch_timer_file();
    }
}

void Queue::Implementation::set_timer() noexcept {
    timer_set = timers.first().deadline;
    // A time_t of 32 bits ends sooner: the timer then rings early, once in 68 years.
    const auto since_epoch =
        std::clamp<std::chrono::nanoseconds>(timer_set.time_since_epoch(), 1ns, longest_timer);
    itimerspec setting{};
    setting.it_value.tv_sec = static_cast<time_t>(since_epoch.count() / 1'000'000'000);
    setting.it_value.tv_nsec = static_cast<long>(since_epoch.count() % 1'000'000'000);
    ::timerfd_settime(timer_file->fd(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

void Queue::Implementation::watch_timer_file() noexcept {
    try {
        Record& watch = take(&*timer_file);
        watch.request = {};
        watch.request.kind = engine::Kind::poll;
        watch.request.bits = POLLIN;
        watch.marks = mark::own;
        watch.borrows = false;
        watch.emplace([this](const Completion&) {
            timer_watch = nullptr;
            watch_timers(); // it has told of one: there may be others
        });
        timer_watch = &watch;
        engine.start(watch);
    } catch (const std::bad_alloc&) { // tried again with the next deadline
    }
}

/// `expected`: completions that are waited for together, where nothing else is outstanding.
void Queue::Implementation::wait(bool heeds_stop, std::size_t expected) {
    if (engine.has_completed() || !finished.empty() || first_given_up != nullptr ||
        any_messages() || (heeds_stop && stopped.load())) {
        return;
    }
    if (!closed_files->empty()) {
        close_files(); // also when a file is used for the first time; not in each pass
    }
    if (expected != outstanding()) {
        expected = 1; // the others' callbacks are not to wait for them
    }
    std::error_code error; // EINTR: the caller's loop comes round, and counts the time anew
    if (timers.empty()) {
        engine.wait(nullptr, expected, error);
        return;
    }
    const std::chrono::nanoseconds left = time_until(timers.first().deadline);
    engine.wait(&left, expected, error);
}

/// However far away it is, before or behind.
std::chrono::nanoseconds Queue::Implementation::time_until(Clock::time_point time) noexcept {
    const Clock::time_point now = Clock::now();
    return time > now ? time - now : Clock::duration::zero();
}

bool Queue::Implementation::anything_outstanding() noexcept {
    return engine.is_open() && (outstanding() > 0 || any_posts.load(std::memory_order_acquire));
}

AIOXX_NAMESPACE_END
