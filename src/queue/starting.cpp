// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Operations begin.

#include "queue/implementation.hpp"

#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace {

using Kind = detail::Request::Kind;

engine::Kind engine_kind(Kind kind) noexcept {
    switch (kind) {
    case Kind::read:
        return engine::Kind::read;
    case Kind::write:
        return engine::Kind::write;
    case Kind::readv:
        return engine::Kind::readv;
    case Kind::writev:
        return engine::Kind::writev;
    case Kind::fsync:
        return engine::Kind::fsync;
    case Kind::fdatasync:
        return engine::Kind::fdatasync;
    case Kind::poll:
        return engine::Kind::poll;
    case Kind::sleep:
    case Kind::room:
        break;
    }
    return engine::Kind::none;
}

} // namespace

detail::Handler* Queue::Implementation::prepare(detail::Request& request, int& error) {
    const bool bounded = request.kind != Kind::room;
    if (!engine.is_open()) {
        error = EINVAL; // a child's copy
        return nullptr;
    }
    if (closing) {
        error = ECANCELED;
        return nullptr;
    }
    if (bounded && is_full()) {
        error = EAGAIN;
        return nullptr;
    }
    if (request.file != nullptr && !request.file->is_open()) {
        error = EBADF;
        return nullptr;
    }
    engine::FileState* const file =
        request.file != nullptr ? &engine.state_of(*request.file) : nullptr;
    if (request.has_deadline) {
        timers.reserve_one();
    }
    Record& record = pool.take();
    record.file = file;
    record.kind = engine_kind(request.kind);
    record.vector = nullptr;
    record.base = static_cast<std::byte*>(request.data);
    record.length = request.length;
    if (request.kind == Kind::readv || request.kind == Kind::writev) {
        const auto* const first = static_cast<const iovec*>(request.data);
        record.vectors.assign(first, first + request.length);
        record.vector = record.vectors.data();
    }
    record.offset = request.offset;
    record.flags = request.flags;
    record.priority = request.priority;
    record.prioritised = request.prioritised;
    record.poll_events = request.poll_events;
    record.exact = request.exact;
    record.after_writes = request.after_writes;
    record.done = 0;
    record.result = 0;
    record.result2 = 0;
    record.end_of_file = false;
    record.borrows = record.is_transfer() && request.buffer.data() == nullptr && request.length > 0;
    record.buffer = std::move(request.buffer);
    record.deadline = request.deadline;
    record.timed_out = false;
    record.quarantined = false;
    record.own = false;
    if (request.has_deadline) {
        timers.add(record);
    }
    if (request.kind == Kind::room) {
        record.poll_events = 1; // told apart from a sleep
    }
    return &record;
}

OperationId Queue::Implementation::launch(Record& record) noexcept {
    const OperationId id = record.id();
    ++outstanding;
    begin(record);
    if (record.timer != Record::no_timer) {
        watch_timers();
    }
    if (delivering == 0) {
        engine.flush();
        signal_if_ready();
    }
    return id;
}

void Queue::Implementation::begin(Record& record) noexcept {
    if (record.kind != engine::Kind::none) {
        engine.start(record);
    } else if (record.poll_events != 0) {
        record.state = engine::State::ordered;
        rooms.push_back(record);
        admit_waiting_for_room();
    } else {
        record.state = engine::State::ordered;
        if (record.timer == Record::no_timer) {
            finish_own(record, 0); // a sleep without an end would be nobody's wish
        }
    }
}

/// Outside of run_ready() nobody looks at what is ready but an event loop, through the eventfd. A
/// call that was posted since run_ready() looked may have been woken for in vain: reaping takes
/// whatever has woken by then.
void Queue::Implementation::signal_if_ready() noexcept {
    if (EventFd* const counter = engine.event_counter();
        counter != nullptr &&
        (engine.has_completed() || engine.has_unsubmitted() || !finished.empty() ||
         !failures.empty() || any_posts.load(std::memory_order_acquire))) {
        std::error_code ignored;
        counter->signal(1, ignored);
    }
}

/// Ends one that the engine does not know, or does not know yet.
void Queue::Implementation::finish_own(Record& record, int error) noexcept {
    record.result = -error;
    record.state = engine::State::completed;
    finished.push_back(record);
}

AIOXX_NAMESPACE_END
