// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/layer.hpp"

#include <aio.h>
#include <sched.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

using engine::Cancelled;
using engine::State;

int Layer::cancel(int fd, const ControlBlock* block) {
    if (block != nullptr) {
        if (block->state(generation_) != ControlBlock::Is::in_progress) {
            return AIO_ALLDONE;
        }
        const int result = cancel_one(*block->request());
        take_in();
        return result;
    }
    int error = 0;
    const engine::FileState* const file = files_.find(engine_, fd, error);
    bool any_runs_on = false;
    bool any_cancelled = false;
    // None is taken off the list before take_in(). From the back, so that what is behind another
    // does not begin when that goes.
    for (Request* request = in_progress_.back(); request != nullptr && file != nullptr;
         request = Requests::previous(*request)) {
        if (request->file == file) {
            const int result = cancel_one(*request);
            any_runs_on |= result == AIO_NOTCANCELED;
            any_cancelled |= result == AIO_CANCELED;
        }
    }
    take_in();
    if (any_runs_on) {
        return AIO_NOTCANCELED;
    }
    return any_cancelled ? AIO_CANCELED : AIO_ALLDONE;
}

int Layer::cancel_one(Request& request) noexcept {
    if (request.is_write() && request.done > 0) {
        return AIO_NOTCANCELED; // it has begun
    }
    switch (engine_.cancel(request)) {
    case Cancelled::too_late:
        return AIO_ALLDONE;
    case Cancelled::runs_on:
        return AIO_NOTCANCELED;
    case Cancelled::yes:
        break;
    case Cancelled::requested:
        // Inside a call that does not wait: it is back in a moment.
        constexpr int patience = 10'000;
        for (int i = 0; i < patience && request.state != State::completed; ++i) {
            ::sched_yield();
            engine_.reap();
        }
        break;
    }
    if (request.state != State::completed) {
        return AIO_NOTCANCELED;
    }
    const bool was_cancelled = request.result == -ECANCELED;
    counts_.cancelled += was_cancelled ? 1 : 0;
    return was_cancelled ? AIO_CANCELED : AIO_ALLDONE;
}

} // namespace posix
AIOXX_NAMESPACE_END
