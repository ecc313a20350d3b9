// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The way out: what an event means, and what it sets free.

#include "engine/engine.hpp"

#include <cerrno>
#include <utility>

#include <sys/stat.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

bool Engine::reap() noexcept {
    std::error_code error;
    bool any = false;
    do {
        context_->reap(events_, error);
        any = any || events_.size() > 0;
        take_events();
    } while (events_.size() == events_.capacity());
    return any;
}

void Engine::take_events() noexcept {
    for (const Event& completed : events_) {
        event(*completed.data_as<Operation>(), completed.result(), completed.result2());
    }
    if (events_.size() > 0) {
        refusals_ = 0; // what a helper submits is seen here
    }
    OperationList back = helpers_->take_refused();
    while (Operation* const refused = back.pop_front()) {
        const std::int64_t error = refused->result;
        refused->result = 0;
        --helper_jobs_;
        refused->state = State::kernel; // its slot is its own until it is settled
        if (error == -EAGAIN && refused->route != Route::call) {
            refused->state = State::unhanded;
            unhanded_.push_back(*refused);
            if (!may_pass()) {
                unhanded_.remove(*refused);
                refused->state = State::kernel;
                event(*refused, error, 0);
            }
        } else if (error == -EINVAL && file_knows_no_aio(*refused)) {
            release_slot(*refused);
            go_by_call(*refused);
        } else {
            event(*refused, error, 0);
        }
    }
    pump_backlog();
}

void Engine::event(Operation& operation, std::int64_t result, std::int64_t result2) noexcept {
    const State from = operation.state;
    operation.result2 = result2;
    if (operation.internal) {
        if (operation.file != nullptr) {
            release_slot(operation);
        }
        operation.state = State::idle;
        FileState* const file = operation.file;
        if (result == -EINVAL && file != nullptr && file->pin != nullptr) {
            poll_by_epoll(operation); // a helper has tried
            return;
        }
        if (result < 0) {
            poll_impossible(operation);
        }
        internal_event(operation);
        if (file != nullptr) {
            let_go_if_done(*file);
        }
        return;
    }
    release_slot(operation);
    if (operation.is_transfer()) {
        transferred(operation, result, from);
    } else if (operation.kind == Kind::poll && result >= 0) {
        // The kernel gives all bits of the wakeup, and none to a poll that was cancelled.
        const std::int64_t found = result & (operation.poll_events | always_reported);
        finish(operation, found != 0 ? found : -ECANCELED);
    } else {
        finish(operation, result);
    }
}

void Engine::release_slot(Operation& operation) noexcept {
    --(operation.kind == Kind::poll ? polls_ : used_);
    if (operation.state == State::helper) {
        --helper_jobs_;
    }
    if (std::exchange(operation.lent, false)) {
        --operation.file->lent;
        --lent_;
    }
}

void Engine::transferred(Operation& operation, std::int64_t result, State from) noexcept {
    const bool tried = operation.route == Route::nowait || operation.route == Route::nonblocking ||
                       (operation.route == Route::call && operation.file->stream);
    // EOPNOTSUPP to anything but NOWAIT is the answer to what was asked for.
    if (tried &&
        (result == -EAGAIN || (result == -EOPNOTSUPP && operation.route == Route::nowait))) {
        try_refused(operation, result);
        return;
    }
    // SIGSTOP and setuid() do this to a blocked helper, and nobody asked; an exact transfer goes on
    // whoever was interrupted.
    if (result == -EINTR && (from == State::helper || operation.exact)) {
        if (!operation.cancel_requested) {
            dispatch(operation);
            return;
        }
        result = -ECANCELED;
    }
    if (result < 0) {
        finish(operation, operation.done > 0 && !operation.exact
                              ? static_cast<std::int64_t>(operation.done)
                              : result);
        return;
    }
    const std::size_t wanted = operation.remaining();
    const auto bytes = static_cast<std::size_t>(result);
    if (tried) {
        operation.file->direction(operation).misses = 0;
    }
    const std::size_t before = operation.done;
    operation.advance(bytes);
    operation.end_of_file = operation.is_read() && bytes == 0 && wanted > 0;
    const bool partial = bytes > 0 && bytes < wanted;
    // A NOWAIT transfer ends where the cached pages do, which is no end that anybody asked for.
    if (partial && (operation.exact || (tried && !operation.file->stream))) {
        if (at_end_of_file(operation)) {
            operation.end_of_file = operation.exact; // the rest was asked for as well
        } else if (align_progress(operation, before)) {
            carry_on(operation);
            return;
        } else if (operation.exact && operation.is_write()) {
            finish(operation, -EIO); // short twice at one place, and no error: all or nothing
            return;
        }
    }
    finish(operation, static_cast<std::int64_t>(operation.done));
}

/// A direct transfer that ended anywhere has to start again at its alignment. False when that
/// leaves no progress: what it would do, it has done.
bool Engine::align_progress(Operation& operation, std::size_t before) noexcept {
    const std::size_t excess = operation.file->direct && operation.vector == nullptr
                                   ? operation.done % operation.file->alignment
                                   : 0;
    if (operation.done - excess <= before) {
        return false;
    }
    operation.done -= excess;
    return true;
}

void Engine::carry_on(Operation& operation) noexcept {
    ++statistics_.continued;
    if (operation.file->stream) {
        operation.offset = -static_cast<std::int64_t>(operation.done); // sockets take 0 only
        attempt_stream(operation);
        return;
    }
    if (operation.route == Route::nowait) {
        operation.file->direction(operation).skips = 1; // what follows is not cached
    }
    dispatch(operation);
}

bool Engine::at_end_of_file(const Operation& operation) const noexcept {
    struct stat status {};
    if (!operation.is_read() || !may_use_number(*operation.file) ||
        operation.file->kind != FileKind::regular || // the size of a device is not there
        ::fstat(operation.file->fd, &status) != 0) {
        return false;
    }
    return operation.offset + static_cast<std::int64_t>(operation.done) >= status.st_size;
}

/// RWF_NOWAIT has answered that the call would block, or that the file does not know it; or not one
/// of the flags that were asked for, of which nothing is learnt.
void Engine::try_refused(Operation& operation, std::int64_t result) noexcept {
    FileState& file = *operation.file;
    Direction& direction = file.direction(operation);
    ++statistics_.nowait_refused;
    constexpr RwFlags of_every_file =
        RwFlags::hipri | RwFlags::dsync | RwFlags::sync | RwFlags::append;
    const bool asks_for_more = (operation.flags & ~of_every_file) != RwFlags::none;
    if (result == -EOPNOTSUPP && (file.stream || !asks_for_more)) {
        direction.nowait = Direction::Nowait::refused;
    } else if (!file.stream) {
        if (result != -EOPNOTSUPP) {
            count_miss(direction);
        }
        if (direction.skips == 0) {
            direction.skips = 1; // this one
        }
    }
    if (operation.cancel_requested) {
        finish(operation, -ECANCELED);
    } else if (file.stream) {
        await_readiness(operation);
    } else {
        dispatch(operation);
    }
}

void Engine::finish(Operation& operation, std::int64_t result) noexcept {
    FileState& file = *operation.file;
    operation.result = result;
    operation.state = State::completed;
    ++statistics_.completed;
    --file.operations;
    file.transfers -= operation.is_transfer() ? 1U : 0U;
    completed_.push_back(operation);
    release_successors(file, operation);
    if (file.closed) [[unlikely]] {
        operation.file = nullptr;
        let_go_if_done(file);
    } else if (options_.numbers_expire && file.operations == 0) {
        let_pin_go(file);
    }
}

void Engine::release_successors(FileState& file, Operation& operation) noexcept {
    if (!operation.is_transfer()) {
        return;
    }
    FileState::Stream& stream = file.stream_of(operation);
    if (stream.active == &operation) {
        stream.active = stream.queue.pop_front();
        if (stream.active != nullptr) {
            --file.parked;
            attempt_stream(*stream.active);
        }
    }
    if (!holds_flushes(operation)) {
        return;
    }
    file.under_way.remove(operation);
    if (file.appending == &operation) {
        file.appending = file.appends.pop_front();
        if (file.appending != nullptr) {
            --file.parked;
            dispatch(*file.appending);
        }
    }
    const Operation* const oldest = file.under_way.front();
    while (!file.flushes.empty() &&
           (oldest == nullptr || oldest->sequence > file.flushes.front()->sequence)) {
        --file.parked;
        dispatch(*file.flushes.pop_front());
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
