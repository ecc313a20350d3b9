// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Cancelling, closing, and what becomes of the rest.

#include "queue/implementation.hpp"
#include "queue/wait_list.hpp"

#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace mark = queue::mark;

/// Ends the wait for it, wherever it is, but where the kernel holds memory that is borrowed.
Cancellation Queue::Implementation::cancel(Record& record) noexcept {
    Cancellation answer = recall(record);
    if (answer == Cancellation::runs_on && !record.borrows) {
        give_up(record);
        answer = Cancellation::cancelled;
    }
    if (answer == Cancellation::cancelled) {
        signal_outside();
    }
    return answer;
}

/// Takes it back where that is possible.
Cancellation Queue::Implementation::recall(Record& record) noexcept {
    const engine::State state = record.state();
    if (record.is(mark::given_up) || state == engine::State::completed ||
        state == engine::State::idle) {
        return Cancellation::too_late;
    }
    if (!record.is_queues_own()) {
        return engine.cancel(record);
    }
    if (!leave_own_list(record)) {
        return Cancellation::too_late;
    }
    timers.remove(record);
    finish_own(record, ECANCELED);
    return Cancellation::cancelled;
}

/// Of those that the engine does not know. False when it has ended meanwhile, in another thread.
bool Queue::Implementation::leave_own_list(Record& record) noexcept {
    if (record.waits_for_capacity()) {
        rooms.remove(record);
        --places;
    } else if (record.waits_for_quarantine()) {
        quarantine_waits.remove(record);
    } else if (record.waits_for_condition()) {
        detail::WaitList::of(record).leave(record);
    } else if (record.waits_for_buffer() && !record.pool_wait->leave()) {
        end_pool_waits();
        return false;
    }
    return true;
}

/// 1 when it was cancelled, or asked to be.
std::size_t Queue::Implementation::cancel_counted(Record& record) noexcept {
    if (record.is(mark::own)) {
        return 0;
    }
    const Cancellation answer = cancel(record);
    return answer == Cancellation::cancelled || answer == Cancellation::requested ? 1 : 0;
}

std::size_t Queue::Implementation::cancel_all() noexcept {
    std::size_t count = 0;
    if (!is_copy()) {
        pool.for_each_in_use([&](Record& record) { count += cancel_counted(record); });
    }
    return count;
}

std::size_t Queue::Implementation::cancel_on(queue::DescriptorReference& file) noexcept {
    std::size_t count = 0;
    if (!is_copy()) {
        pool.for_each_of_file(&file.newest_record,
                              [&](Record& record) { count += cancel_counted(record); });
    }
    return count;
}

std::size_t Queue::cancel(const File& file) noexcept {
    Implementation* const queue = Implementation::usable(implementation_);
    if (queue == nullptr) {
        return 0;
    }
    const queue::Entry entry{queue->owner, "Queue::cancel"};
    const detail::SharedDescriptor* const descriptor = detail::SharedDescriptor::find(file);
    detail::FileUse* const use = descriptor != nullptr ? descriptor->use_by(queue) : nullptr;
    return use != nullptr ? queue->cancel_on(static_cast<queue::DescriptorReference&>(*use)) : 0;
}

std::size_t Queue::cancel_all() noexcept {
    Implementation* const queue = Implementation::usable(implementation_);
    if (queue == nullptr) {
        return 0;
    }
    const queue::Entry entry{queue->owner, "Queue::cancel_all"};
    return queue->cancel_all();
}

/// Runs until nothing is left, or until `deadline`; without one until the kernel is done with all
/// memory that is borrowed.
Queue::Left Queue::Implementation::run_down(std::optional<Clock::time_point> deadline) {
    closing = true;
    pool.for_each_in_use([this](Record& record) {
        if (!record.is(mark::own)) {
            recall(record); // what cannot be taken back has until the deadline
        }
    });
    while (!is_too_deep()) {
        if (any_posts.load(std::memory_order_acquire)) {
            deliver_posts(); // not counted: a call that posts another would go on for ever
        }
        const std::size_t delivered = round(); // these are finite, as none are started any more
        const bool done =
            deadline ? outstanding() == 0 && quarantined.value() == 0 : !any_borrowed();
        if (delivered == 0 && (done || (deadline && Clock::now() >= *deadline))) {
            break;
        }
        if (delivered > 0 || engine.has_completed() || !finished.empty() ||
            first_given_up != nullptr || any_messages()) { // what woke for them has been reaped
            continue;
        }
        std::error_code error; // EINTR: once more
        if (deadline) {
            const std::chrono::nanoseconds left = time_until(*deadline);
            engine.wait(&left, error);
        } else {
            engine.wait(nullptr, error);
        }
    }
    if (outstanding() == 0 && delivering == 0) {
        destroy_parked_tasks();
    }
    return {outstanding(), static_cast<std::size_t>(quarantined.value())};
}

/// Asked again and again it looks at each record once: none is begun any more.
bool Queue::Implementation::any_borrowed() noexcept {
    while (Record* const record = pool.first_in_use()) {
        if (record->borrows && record->state() != engine::State::idle) {
            return true;
        }
        pool.pass(*record);
    }
    return false;
}

/// The queue ends here for its user. The callbacks of operations that still wait are called with
/// that, on this thread, and the frames of tasks that have not ended are destroyed.
void Queue::Implementation::abandon() {
    pool.begin_anew();
    pool.for_each_in_use([this](Record& record) {
        if (!record.is(mark::given_up | mark::own)) {
            give_up(record);
        }
    });
    deliver();
    destroy_tasks(parked_tasks);
    destroy_tasks(tasks);
    // Calls that were posted and not made are dropped here, on the thread that they were for. What
    // their destructors post is so at once.
    decltype(posts) dropped;
    {
        const std::lock_guard lock{posts_mutex};
        drops_posts = true;
        dropped.swap(posts);
    }
    decltype(posts){}.swap(taken_posts);
    dropped.clear();
    posts_called = 0;
    failures.clear();
    timer_file.reset();
    opening_file.reset();
    closed_files->end();       // Files that are closed from here on are not noted
    engine.close_idle_files(); // now: the rest of the queue may go much later
}

AIOXX_NAMESPACE_END
