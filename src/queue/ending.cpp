// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Cancelling, closing, and what becomes of the rest.

#include "queue/implementation.hpp"

#include <cerrno>

AIOXX_NAMESPACE_BEGIN

CancelOutcome Queue::Implementation::cancel(Record& record) noexcept {
    if (record.quarantined || record.state == engine::State::completed ||
        record.state == engine::State::idle) {
        return CancelOutcome::too_late;
    }
    if (record.kind == engine::Kind::none) {
        if (record.poll_events != 0) {
            rooms.remove(record);
        }
        timers.remove(record);
        finish_own(record, ECANCELED);
    } else {
        switch (engine.cancel(record)) {
        case engine::Cancelled::yes:
            break;
        case engine::Cancelled::requested:
            return CancelOutcome::requested;
        case engine::Cancelled::runs_on:
            return CancelOutcome::runs_on;
        case engine::Cancelled::too_late:
            return CancelOutcome::too_late;
        }
    }
    if (delivering == 0) {
        signal_if_ready();
    }
    return CancelOutcome::cancelled;
}

template <typename Predicate>
std::size_t Queue::Implementation::cancel_if(Predicate&& predicate) noexcept {
    std::size_t count = 0;
    pool.for_each_in_use([&](Record& record) {
        if (!record.own && predicate(record)) {
            const CancelOutcome outcome = cancel(record);
            count += outcome == CancelOutcome::cancelled || outcome == CancelOutcome::requested;
        }
    });
    return count;
}

std::size_t Queue::cancel(const File& file) noexcept {
    const FileUse* const use = FileUses::find(file, &implementation_->engine);
    if (use == nullptr) {
        return 0;
    }
    return implementation_->cancel_if(
        [use](const queue::Record& record) { return record.file == use; });
}

std::size_t Queue::cancel_all() noexcept {
    return implementation_->cancel_if([](const queue::Record&) { return true; });
}

/// Runs until nothing is left, or until `deadline`; without one until the kernel has let go of all
/// memory that is not ours.
Queue::Left Queue::Implementation::run_down(std::optional<Clock::time_point> deadline) {
    closing = true;
    cancel_if([](const Record&) { return true; });
    for (;;) {
        if (any_posts.load(std::memory_order_acquire)) {
            deliver_posts(); // not counted: a call that posts another would go on for ever
        }
        const std::size_t delivered = round(); // these are finite, as none are started any more
        const bool done = deadline ? outstanding == 0 && quarantined == 0 : count_borrowed() == 0;
        if (delivered == 0 && (done || (deadline && Clock::now() >= *deadline))) {
            break;
        }
        if (delivered > 0 || engine.has_completed() || !finished.empty() ||
            any_posts.load(std::memory_order_acquire)) { // what woke for them has been reaped
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
    if (outstanding == 0 && delivering == 0) {
        destroy_tasks(parked_tasks);
    }
    return {outstanding, quarantined};
}

std::size_t Queue::Implementation::count_borrowed() noexcept {
    std::size_t count = 0;
    pool.for_each_in_use([&count](const Record& record) {
        count += record.borrows && record.state != engine::State::idle ? 1 : 0;
    });
    return count;
}

/// The queue ends here for its user: whoever still waits is told so, on this thread, and the
/// frames of tasks that have not ended go.
void Queue::Implementation::abandon() {
    std::vector<Record*> waiting; // gathered first: callbacks may do as they like
    pool.for_each_in_use([&waiting](Record& record) {
        if (!record.quarantined && !record.own) {
            waiting.push_back(&record);
        }
    });
    for (Record* const record : waiting) {
        record->quarantined = true;
        ++quarantined;
        --outstanding;
        Completion completion{-ETIMEDOUT, 0, record->done, false, {}};
        call(*record, completion);
        record->reset();
    }
    deliver();
    destroy_tasks(parked_tasks);
    destroy_tasks(tasks);
    // Calls that were posted and not made are dropped here, on the thread that they were for.
    decltype(posts){}.swap(posts); // apart, as their destructors may post
    failures.clear();
    timer_file.reset();
    engine.forget_files(); // closed by this thread, perhaps while another one ends the engine
}

AIOXX_NAMESPACE_END
