// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Cancelling: honest in every state.

#include "engine/engine.hpp"

#include <algorithm>
#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace engine {

Cancelled Engine::cancel(Operation& operation) noexcept {
    switch (operation.state) {
    case State::idle:
    case State::completed:
        return Cancelled::too_late;
    case State::kernel:
        return cancel_in_kernel(operation);
    case State::helper:
        if (!helpers_->take_back(operation)) {
            return cancel_in_kernel(operation); // or as good as there
        }
        release_slot(operation);
        break;
    case State::batched:
        leave_batch(operation);
        release_slot(operation);
        break;
    case State::unhanded:
        unhanded_.remove(operation);
        release_slot(operation);
        break;
    case State::backlog:
        (operation.kind == Kind::poll ? late_polls_ : backlog_).remove(operation);
        --operation.file->parked;
        break;
    case State::ordered:
    case State::streaming:
        return cancel_waiting(operation);
    }
    ++statistics_.cancelled;
    finish(operation, operation.exact || operation.done == 0
                          ? -ECANCELED
                          : static_cast<std::int64_t>(operation.done));
    return Cancelled::yes;
}

Cancelled Engine::cancel_in_kernel(Operation& operation) noexcept {
    std::error_code error;
    if (context_->cancel(operation.iocb, error) == CancelResult::requested) {
        statistics_.cancelled += operation.cancel_requested ? 0 : 1;
        operation.cancel_requested = true;
        return Cancelled::requested;
    }
    if (operation.kind == Kind::poll) {
        return operation.cancel_requested ? Cancelled::requested : Cancelled::too_late;
    }
    const bool tried = operation.route == Route::nowait || operation.route == Route::nonblocking;
    if (tried && operation.file->stream) {
        operation.cancel_requested = true; // it comes back at once, and shall not wait then
        return Cancelled::requested;
    }
    return Cancelled::runs_on;
}

Cancelled Engine::cancel_waiting(Operation& operation) noexcept {
    FileState& file = *operation.file;
    --file.parked;
    if (operation.kind == Kind::poll) {
        file.epoll_waiters.remove(operation);
    } else if (operation.is_flush()) {
        file.flushes.remove(operation);
    } else if (!file.stream) {
        file.appends.remove(operation);
    } else if (FileState::Stream& stream = file.stream_of(operation); stream.active != &operation) {
        stream.queue.remove(operation);
    } else if (stream.queue.empty()) {
        drop_readiness(stream.readiness);
    }
    ++statistics_.cancelled;
    finish(operation, operation.exact || operation.done == 0
                          ? -ECANCELED
                          : static_cast<std::int64_t>(operation.done));
    return Cancelled::yes;
}

/// Nobody waits for it any more.
void Engine::drop_readiness(Operation& poll) noexcept {
    std::error_code ignored;
    switch (poll.state) {
    case State::helper:
        if (!helpers_->take_back(poll)) {
            context_->cancel(poll.iocb, ignored);
            return;
        }
        release_slot(poll);
        break;
    case State::kernel: // its event is let go by
        context_->cancel(poll.iocb, ignored);
        return;
    case State::batched:
        leave_batch(poll);
        release_slot(poll);
        break;
    case State::unhanded:
        unhanded_.remove(poll);
        release_slot(poll);
        break;
    case State::backlog:
        late_polls_.remove(poll);
        --poll.file->parked;
        break;
    case State::streaming: // what is armed in the epoll descriptor fires once, for nobody
        poll.file->epoll_waiters.remove(poll);
        --poll.file->parked;
        break;
    case State::idle:
    case State::ordered:
    case State::completed:
        break;
    }
    poll.state = State::idle;
}

void Engine::leave_batch(const Operation& operation) noexcept {
    batch_.erase(std::find(batch_.begin(), batch_.end(), &operation.iocb));
}

/// What the kernel had no room for, and must not see under a number that will be another file's.
OperationList Engine::leave_batch(const FileState& file) noexcept {
    OperationList left;
    std::erase_if(batch_, [&](const Iocb* iocb) {
        auto& operation = *reinterpret_cast<Operation*>(static_cast<std::uintptr_t>(iocb->data()));
        const bool leaves = operation.file == &file;
        if (leaves) {
            left.push_back(operation);
        }
        return leaves;
    });
    return left;
}

} // namespace engine
AIOXX_NAMESPACE_END
