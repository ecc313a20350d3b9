// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Operations begin.

#include "queue/borrowed_memory.hpp"
#include "queue/implementation.hpp"
#include "queue/wait_list.hpp"

#include <cerrno>
#include <new>

AIOXX_NAMESPACE_BEGIN
using engine::State;
namespace mark = queue::mark;
namespace {

/// Whether the kernel asks for no offset.
bool is_without_offset(const detail::Request& request) noexcept {
    const File* const file = request.file;
    return file != nullptr &&
           (file->is_stream() ||
            (request.is_write() &&
             (file->is_append() || (request.flags & RwFlags::append) != RwFlags::none)));
}

} // namespace

/// Throws std::bad_alloc.
queue::DescriptorReference& Queue::Implementation::use_first(const File& file,
                                                             detail::SharedDescriptor& descriptor) {
    close_files();
    detail::FileUsePlace& place = descriptor.take_place(this);
    queue::DescriptorReference* reference = nullptr;
    try {
        reference = new queue::DescriptorReference{file, descriptor, place, *closed_files};
        engine.add(*reference);
    } catch (const std::bad_alloc&) {
        if (reference != nullptr) {
            reference->discard();
        }
        detail::SharedDescriptor::give_back(place);
        throw;
    }
    place.use.store(reference, std::memory_order_release);
    return *reference;
}

detail::Handler* Queue::Implementation::prepare(detail::Request& request, int& error) {
    if (Record* const record = prepare_usual(request)) [[likely]] {
        return record;
    }
    return prepare_any(request, error);
}

/// What most are: a transfer that borrows its memory, on a file that the queue knows. Null where
/// anything is otherwise, and then nothing is done.
inline Queue::Implementation::Record*
Queue::Implementation::prepare_usual(detail::Request& request) noexcept {
    if (is_copy() || request.begun || request.has_more_to_prepare() || closing || is_full() ||
        request.kind > engine::Kind::write || request.buffer.data() != nullptr ||
        request.needs_stream || !request.file->is_open() || pool.has_to_grow()) [[unlikely]] {
        return nullptr;
    }
    const queue::Entry entry{owner, "Operation::start"};
    detail::FileUse* const use =
        detail::SharedDescriptor::known_use(*request.file, this, generation);
    if (use == nullptr) [[unlikely]] {
        return nullptr;
    }
    auto& reference = static_cast<queue::DescriptorReference&>(*use);
    Record& record = pool.take_made(&reference.newest_record);
    record.file = &reference;
    record.request = request;
    record.borrows = request.length > 0;
    request.begun = true;
    return &record;
}

detail::Handler* Queue::Implementation::prepare_any(detail::Request& request, int& error) {
    if (is_copy() || request.begun) [[unlikely]] {
        error = EINVAL; // its parent's, or begun before
        return nullptr;
    }
    const queue::Entry entry{owner, "Operation::start"};
    if (closing) {
        error = ECANCELED;
        return nullptr;
    }
    if (is_full() && request.kind != Kind::capacity) {
        error = EAGAIN;
        return nullptr;
    }
    if (request.kind == Kind::open) {
        request.file = file_for_opening(error);
        if (error != 0) {
            return nullptr;
        }
    }
    if (request.file != nullptr && !request.file->is_open()) {
        error = EBADF;
        return nullptr;
    }
    if (request.is_vectored() && request.length > queue::most_parts) [[unlikely]] {
        error = EINVAL;
        return nullptr;
    }
    if (request.needs_stream && !is_without_offset(request)) [[unlikely]] {
        error = EINVAL;
        return nullptr;
    }
    if (request.kind == Kind::buffer &&
        static_cast<const detail::BufferStore*>(request.data)->is_copy()) [[unlikely]] {
        error = EINVAL; // the parent's pool
        return nullptr;
    }
    if (request.has_more_to_prepare()) [[unlikely]] {
        error = make_room(request);
        if (error != 0) {
            return nullptr;
        }
    }
    Record& record = take(request.file);
    record.request = request;
    if (request.buffer.data() != nullptr) {
        record.buffer = std::move(request.buffer);
        record.borrows = false;
    } else {
        record.borrows = record.is_transfer() && request.length > 0;
    }
    if (request.is_vectored() || request.has_more_to_prepare() || request.kind == Kind::buffer)
        [[unlikely]] {
        make_parts(record, request);
    }
    request.begun = true;
    return &record;
}

/// The engine knows no operation without a file.
const File* Queue::Implementation::file_for_opening(int& error) noexcept {
    if (!opening_file) {
        std::error_code failure;
        File file = File::borrow(engine.wake_fd(), failure);
        if (failure) {
            error = failure.value();
            return nullptr;
        }
        opening_file.emplace(std::move(file));
    }
    return &*opening_file;
}

/// Copies the array of a vectored transfer, and the memory itself for what can be given up; makes
/// what waits for a pool. Throws std::bad_alloc, and has given record and buffer back then.
void Queue::Implementation::make_parts(Record& record, detail::Request& request) {
    try {
        if (request.is_vectored()) {
            const auto* const first = static_cast<const iovec*>(request.data);
            record.vectors.assign(first, first + request.length);
            record.vector_bytes = queue::bytes_of(request);
            record.request.data = record.vectors.data();
        }
        if (request.kind == Kind::buffer && !record.pool_wait) {
            record.pool_wait = std::make_unique<queue::PoolWait>(ended_pool_waits, record);
        }
        if (request.has_more_to_prepare()) {
            prepare_copied(record, request);
        }
    } catch (...) { // no memory, or more than any memory
        request.buffer = std::move(record.buffer);
        pool.give_back(record);
        throw;
    }
}

/// Files that have been closed since, by whichever thread.
void Queue::Implementation::close_files() noexcept {
    detail::FileUse* use = closed_files->take();
    while (use != nullptr) {
        detail::FileUse* const next = use->next_closed();
        engine.close(static_cast<queue::DescriptorReference&>(*use));
        use = next;
    }
}

OperationId Queue::Implementation::launch(Record& record) noexcept {
    ++started;
    --places;
    if (record.timer != Record::no_timer) [[unlikely]] {
        begin_timed(record);
    } else if (record.is_queues_own()) [[unlikely]] {
        begin_own(record);
    } else {
        engine.start(record);
    }
    record.started_at = pass_time;
    if (delivering == 0) {
        return launch_alone(record);
    }
    return record.id();
}

/// Not beside others that a pass submits when its callbacks have returned.
OperationId Queue::Implementation::launch_alone(Record& record) noexcept {
    read_clock();
    record.started_at = pass_time;
    const OperationId id = record.id();
    engine.flush();
    signal_if_ready();
    return id;
}

/// One with a deadline. When that has passed nothing is asked of the file.
void Queue::Implementation::begin_timed(Record& record) noexcept {
    if (record.times_out && record.deadline <= Clock::now()) {
        timers.remove(record);
        record.begin();
        record.move_to(State::ordered);
        record.marks |= mark::timed_out;
        if (record.waits_for_condition()) {
            record.request.data = nullptr; // which has not heard of it
        }
        finish_own(record, ECANCELED);
        return;
    }
    if (record.is_queues_own()) {
        begin_own(record);
    } else {
        engine.start(record);
    }
    watch_timers();
}

void Queue::Implementation::begin_own(Record& record) noexcept {
    record.begin();
    record.move_to(State::ordered);
    if (record.waits_for_capacity()) {
        record.request.length = copy_wanted; // what its user was refused
        rooms.push_back(record);
        ++places;
        admit_waiting_for_room();
    } else if (record.waits_for_quarantine()) {
        begin_waiting_for_quarantine(record);
    } else if (record.waits_for_condition()) {
        detail::WaitList::of(record).enter(*this, record);
    } else if (record.waits_for_buffer()) {
        begin_waiting_for_buffer(record);
    } else if (record.timer == Record::no_timer) {
        finish_own(record, 0); // a yield; and a sleep without an end would be of no use
    }
}

void Queue::Implementation::begin_waiting_for_buffer(Record& record) noexcept {
    record.buffer =
        record.pool_wait->begin(*static_cast<detail::BufferStore*>(record.request.data));
    if (record.buffer.data() != nullptr) {
        end_pool_waits(); // of those that have asked before
        finish_own(record, 0);
    } else {
        ++waited_for_buffers;
    }
}

/// Of waits for a pool's buffer, what other threads have ended.
void Queue::Implementation::end_pool_waits() noexcept {
    queue::PoolWait* next = ended_pool_waits.take();
    while (next != nullptr) {
        queue::PoolWait& ended = *next;
        next = ended.next;
        ended.record.buffer = ended.end();
        finish_own(ended.record, ended.record.buffer.data() != nullptr ? 0 : ECANCELED);
    }
}

/// For an event loop, which outside of run_ready() sees what is ready by the eventfd alone. For a
/// call that was posted since run_ready() looked, the wake may have been used up: reaping forgets
/// all wakes that have come by then.
void Queue::Implementation::signal_if_ready() noexcept {
    if (EventFd* const counter = engine.event_counter();
        counter != nullptr && !is_copy() &&
        (engine.has_completed() || engine.has_unsubmitted() || !finished.empty() ||
         first_given_up != nullptr || !failures.empty() || any_messages())) {
        std::error_code ignored;
        counter->signal(1, ignored);
    }
}

/// Ends one that the engine does not know, or does not know yet.
void Queue::Implementation::finish_own(Record& record, int error) noexcept {
    record.result = -error;
    record.move_to(State::completed);
    finished.push_back(record);
}

AIOXX_NAMESPACE_END
