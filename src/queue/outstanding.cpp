// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What is outstanding, for people who ask what a queue waits for.

#include "queue/outstanding.hpp"

#include "engine/monotonic.hpp"
#include "engine/open_file.hpp"
#include "queue/borrowed_memory.hpp"
#include "queue/implementation.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

AIOXX_NAMESPACE_BEGIN
namespace queue {
namespace {

using engine::Kind;
using engine::State;

OperationPlace place_in_queue(State state, Kind kind) noexcept {
    if (state == State::completed) {
        return OperationPlace::completed;
    }
    return kind == Kind::sleep ? OperationPlace::timer : OperationPlace::queue;
}

OperationPlace place_in_engine(State state) noexcept {
    switch (state) {
    case State::ordered:
        return OperationPlace::order;
    case State::backlog:
        return OperationPlace::backlog;
    case State::kernel:
        return OperationPlace::kernel;
    case State::to_run:
    case State::worker:
        return OperationPlace::worker;
    case State::to_watch:
    case State::watched:
        return OperationPlace::readiness;
    case State::completed:
        return OperationPlace::completed;
    case State::idle:
    case State::to_call:
    case State::to_submit:
    case State::to_probe:
        break;
    }
    return OperationPlace::next_pass;
}

} // namespace

std::optional<OperationPlace> place_of(State state, Kind kind, std::uint8_t marks) noexcept {
    if ((marks & mark::own) != 0) {
        return std::nullopt;
    }
    if ((marks & mark::given_up) != 0) {
        if ((marks & mark::ended) == 0) {
            return OperationPlace::quarantine;
        }
        const bool is_told = (marks & (mark::told | mark::telling)) != 0;
        return is_told ? std::nullopt : std::optional{OperationPlace::completed};
    }
    if (state == State::idle) {
        return std::nullopt; // its callback is on the stack
    }
    return kind >= Kind::sleep ? place_in_queue(state, kind) : place_in_engine(state);
}

OutstandingOperation describe(Record& record, std::chrono::nanoseconds now) noexcept {
    OutstandingOperation one;
    one.id = record.id();
    one.kind = record.request.kind;
    // Else there is none yet, or the file may be gone.
    if (record.request.kind != Kind::open && record.newest != nullptr) {
        one.descriptor = engine::open_file(record).fd;
    }
    if (record.is_transfer()) {
        constexpr std::size_t whole = std::numeric_limits<std::size_t>::max();
        one.offset = record.request.offset + (record.is(mark::copied) ? record.head : 0U);
        one.bytes = record.is(mark::copied)        ? asked_for(record, whole)
                    : record.request.is_vectored() ? record.vector_bytes
                                                   : record.request.length;
        one.done = asked_for(record, record.done_so_far());
    }
    one.age = std::max(now - record.started_at, std::chrono::nanoseconds::zero());
    return one;
}

const char* name_of(engine::Kind kind) noexcept {
    using engine::Kind;
    switch (kind) {
    case Kind::read:
        return "read";
    case Kind::write:
        return "write";
    case Kind::readv:
        return "readv";
    case Kind::writev:
        return "writev";
    case Kind::fsync:
        return "fsync";
    case Kind::fdatasync:
        return "fdatasync";
    case Kind::fallocate:
        return "fallocate";
    case Kind::ftruncate:
        return "ftruncate";
    case Kind::open:
        return "open";
    case Kind::poll:
        return "poll";
    case Kind::sleep:
        return "sleep";
    case Kind::capacity:
        return "wait for capacity";
    case Kind::quarantine:
        return "wait for quarantine";
    case Kind::condition:
        return "wait for condition";
    case Kind::yield:
        return "yield";
    case Kind::buffer:
        return "wait for buffer";
    case Kind::none:
        break;
    }
    return "operation";
}

} // namespace queue

const char* OutstandingOperation::kind_name() const noexcept {
    return queue::name_of(kind);
}

const char* OutstandingOperation::place_name() const noexcept {
    switch (place) {
    case OperationPlace::next_pass:
        return "next pass";
    case OperationPlace::order:
        return "order";
    case OperationPlace::backlog:
        return "backlog";
    case OperationPlace::kernel:
        return "kernel";
    case OperationPlace::worker:
        return "worker";
    case OperationPlace::readiness:
        return "readiness";
    case OperationPlace::timer:
        return "timer";
    case OperationPlace::queue:
        return "queue";
    case OperationPlace::quarantine:
        return "quarantine";
    case OperationPlace::completed:
        return "completed";
    }
    return "";
}

/// `size`: of an element as the program was built with, whose header may be older.
std::size_t Queue::read_outstanding(void* out, std::size_t room, std::size_t size) const noexcept {
    Implementation* const queue = Implementation::usable(implementation_);
    if (queue == nullptr) {
        return 0;
    }
    const queue::Entry entry{queue->owner, "Queue::list_outstanding"};
    const std::chrono::nanoseconds now = engine::monotonic_tick();
    std::size_t count = 0;
    queue->pool.for_each([&](queue::Record& record) {
        const std::optional<OperationPlace> place =
            queue::place_of(record.state(), record.request.kind, record.marks);
        if (!place) {
            return;
        }
        if (count < room) {
            OutstandingOperation one = queue::describe(record, now);
            one.place = *place;
            std::memcpy(static_cast<std::byte*>(out) + count * size, &one,
                        std::min(size, sizeof(one)));
        }
        ++count;
    });
    return count;
}

AIOXX_NAMESPACE_END
