// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Operations whose users wait no longer, while the kernel or a worker goes on: what they need for
// that, and the quarantine. The engine knows nothing of it: for it they are under way as before.

#include "queue/borrowed_memory.hpp"
#include "queue/implementation.hpp"
#include "queue/wait_list.hpp"

#include "queue/at_return.hpp"

#include <cerrno>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace mark = queue::mark;

/// For what may be copied: an errno where there is no room for that. Throws std::bad_alloc.
int Queue::Implementation::make_room(const detail::Request& request) {
    if (request.has_deadline) {
        timers.reserve_one();
    }
    const std::size_t bytes = queue::copied_of(request).bytes;
    if (!copies.can_fit(bytes)) {
        return EINVAL;
    }
    const bool fits = bytes == 0 || copies.fits(bytes);
    copy_wanted = fits ? 0 : bytes;
    return fits ? 0 : EAGAIN;
}

/// There is room for its copy and its timer. Throws std::bad_alloc.
void Queue::Implementation::prepare_copied(Record& record, const detail::Request& request) {
    // What was to be moved in has been: the request does not tell any more.
    const queue::Copied copied = record.borrows ? queue::copied_of(request) : queue::Copied{};
    if (copied.bytes > 0) {
        queue::copy_borrowed(record, request, copied, copies);
    }
    if (request.has_deadline) {
        record.deadline = request.deadline;
        record.times_out = request.times_out;
        timers.add(record);
    }
}

/// Its user is told with the next pass. What the engine still has of it goes on, but no further
/// part of it begins.
void Queue::Implementation::give_up(Record& record) noexcept {
    timers.remove(record);
    record.cancel_requested = true;
    record.marks |= mark::given_up;
    record.given_up_at = ++given_up_count;
    record.next_given_up = nullptr;
    (last_given_up != nullptr ? last_given_up->next_given_up : first_given_up) = &record;
    last_given_up = &record;
    ++quarantined;
}

/// Those that were there when it began. Returns how many.
std::size_t Queue::Implementation::tell_given_up() {
    const std::uint64_t last = given_up_count;
    std::size_t count = 0;
    while (first_given_up != nullptr && first_given_up->given_up_at <= last) {
        Record& record = *first_given_up;
        first_given_up = record.next_given_up;
        if (first_given_up == nullptr) {
            last_given_up = nullptr;
        }
        tell_given_up(record);
        ++count;
        if (is_copy()) [[unlikely]] {
            break;
        }
    }
    return count;
}

/// The callback may have the queue run, so that the operation ends meanwhile.
void Queue::Implementation::tell_given_up(Record& record) {
    const bool late = record.is(mark::timed_out);
    const bool is_over = record.is(mark::ended);
    Completion completion{late ? -ETIMEDOUT : -ECANCELED,
                          0,
                          is_over ? record.done : queue::asked_for(record, record.done_so_far()),
                          false,
                          is_over ? std::move(record.buffer) : AlignedBuffer{},
                          record.id()};
    record.marks |= mark::telling;
    count_told(completion.result());
    admit_waiting_for_room();
    const queue::Inside inside{delivering};
    const queue::AtReturn let_go{[this, &record]() noexcept {
        record.reset();
        record.marks |= mark::told;
        if (record.is(mark::ended)) {
            record.marks = 0;
            pool.give_back(record);
        }
    }};
    call(record, completion);
}

void Queue::Implementation::ended_in_quarantine(Record& record) noexcept {
    record.marks |= mark::ended;
    --quarantined;
    ++untold;
    if (record.is(mark::copied)) {
        queue::give_back_copy(record, copies);
        admit_waiting_for_room();
    }
    tell_waiting_for_quarantine(record);
    if (record.is(mark::told)) {
        record.marks = 0;
        pool.give_back(record);
    }
}

/// `exact`: one, whose id is the offset. Otherwise all that there are: the length counts those
/// that have not ended, and the offset tells them from later ones.
void Queue::Implementation::begin_waiting_for_quarantine(Record& record) noexcept {
    quarantine_waits.push_back(record);
    if (record.request.exact) {
        Record* const wanted = pool.find({static_cast<std::uint64_t>(record.request.offset)});
        if (wanted == nullptr || !wanted->is(mark::given_up) || wanted->is(mark::ended)) {
            leave_own_list(record);
            finish_own(record, ENOENT);
        }
        return;
    }
    record.request.length = static_cast<std::size_t>(quarantined.value());
    record.request.offset = static_cast<std::int64_t>(given_up_count);
    if (quarantined.value() == 0) {
        leave_own_list(record);
        finish_own(record, 0);
    }
}

void Queue::Implementation::tell_waiting_for_quarantine(Record& ended) noexcept {
    for (engine::Operation* next = quarantine_waits.front(); next != nullptr;) {
        auto& waiting = static_cast<Record&>(*next);
        next = engine::OperationList::next(*next);
        if (waiting.request.exact) {
            if (static_cast<std::uint64_t>(waiting.request.offset) == ended.id().value) {
                leave_own_list(waiting);
                finish_own(waiting, 0);
                waiting.result = ended.result;
                waiting.result2 = ended.result2;
                waiting.done = ended.done;
                waiting.end_of_file = ended.end_of_file;
                waiting.buffer = std::move(ended.buffer);
            }
        } else if (static_cast<std::uint64_t>(waiting.request.offset) >= ended.given_up_at &&
                   --waiting.request.length == 0) {
            leave_own_list(waiting);
            finish_own(waiting, 0);
        }
    }
}

void Queue::forget(OperationId operation) noexcept {
    Implementation* const queue = Implementation::usable(implementation_);
    if (queue == nullptr) {
        return;
    }
    const queue::Entry entry{queue->owner, "the end of a coroutine"};
    if (queue::Record* const record = queue->pool.find(operation)) {
        queue->forget(*record);
    }
}

/// Nothing else is delivered meanwhile: what completes is left for the next pass.
void Queue::Implementation::forget(Record& record) noexcept {
    record.reset();
    record.marks |= mark::forgotten;
    if (detail::WaitList::has(record) && record.state() == engine::State::completed &&
        record.result == 0) {
        detail::WaitList::of(record).pass_on(record);
        return;
    }
    cancel(record);
    if (record.waits_for_buffer()) {
        record.buffer = AlignedBuffer{}; // which was given to it: others may wait
    }
    while (record.borrows && record.state() != engine::State::completed) {
        while (engine::Operation* const other = engine.take()) {
            other->move_to(engine::State::completed);
            finished.push_back(*other);
        }
        engine.flush();
        std::error_code error; // EINTR: once more
        if (record.state() != engine::State::completed) {
            engine.wait(nullptr, error);
        }
    }
}

AIOXX_NAMESPACE_END
