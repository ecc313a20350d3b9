// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/cancellation.hpp"

#include <aio.h>
#include <sched.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

using engine::State;

/// The kernel was asked. The call of the request does not wait, so its event comes in a moment.
void await_event(engine::Engine& engine, const Request& request) noexcept {
    constexpr int attempts = 10'000;
    for (int i = 0; i < attempts && request.state() != State::completed; ++i) {
        ::sched_yield();
        engine.reap();
    }
}

/// The request stays in progress: its completion is for reap().
int cancel(Layer& layer, Request& request) noexcept {
    if (request.is_write() && request.done > 0) {
        return AIO_NOTCANCELED; // part of it is written
    }
    switch (layer.engine().cancel(request)) {
    case Cancellation::too_late:
        return AIO_ALLDONE;
    case Cancellation::runs_on:
        return AIO_NOTCANCELED;
    case Cancellation::cancelled:
        break;
    case Cancellation::requested:
        await_event(layer.engine(), request);
        break;
    }
    if (request.state() != State::completed) {
        return AIO_NOTCANCELED;
    }
    const bool was_cancelled = request.result == -ECANCELED;
    layer.counts().cancelled += was_cancelled ? 1 : 0;
    return was_cancelled ? AIO_CANCELED : AIO_ALLDONE;
}

} // namespace

int cancel_block(Layer& layer, const CriticalSection& section, const ControlBlock& block) noexcept {
    const ControlBlock::Is state = block.state(layer.generation());
    if (state == ControlBlock::Is::direct) {
        layer.direct_path().reap();
        return DirectPath::is_in_progress(block) ? AIO_NOTCANCELED : AIO_ALLDONE;
    }
    if (state != ControlBlock::Is::in_progress) {
        return AIO_ALLDONE;
    }
    const int result = cancel(layer, *block.request());
    layer.reap(section);
    return result;
}

int cancel_all_on(Layer& layer, const CriticalSection& section, int fd) {
    int error = 0;
    const engine::FileRecord* const file = layer.descriptors().find(fd, error);
    bool any_runs_on = layer.direct_path().any_in_progress(fd);
    bool any_cancelled = false;
    // From the newest on, so that none begins because the one in front of it is cancelled.
    Request* request = file != nullptr ? layer.requests().newest() : nullptr;
    for (; request != nullptr; request = RequestTable::before(*request)) {
        if (request->file == file) {
            const int result = cancel(layer, *request);
            any_runs_on |= result == AIO_NOTCANCELED;
            any_cancelled |= result == AIO_CANCELED;
        }
    }
    layer.reap(section);
    if (any_runs_on) {
        return AIO_NOTCANCELED;
    }
    return any_cancelled ? AIO_CANCELED : AIO_ALLDONE;
}

} // namespace posix
AIOXX_NAMESPACE_END
