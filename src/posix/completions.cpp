// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/completions.hpp"

#include "engine/write_signals.hpp"
#include "posix/notification.hpp"

#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

/// What aio_error and aio_return tell: bytes, or a negative errno.
std::int64_t result_of(const Request& request) noexcept {
    if (wants_impossible_signal(request.notification)) {
        return -EINVAL;
    }
    if (request.result < 0 && request.done > 0) {
        return static_cast<std::int64_t>(request.done); // as with write(2): a short transfer
    }
    if (request.no_resources && request.result == -ECANCELED) {
        return -EAGAIN;
    }
    return request.result;
}

} // namespace

void Completions::reap(const sigset_t* before) noexcept {
    Found found;
    engine_.reap();
    descriptors_.end_vain_watches();
    submit(before);
    settle(Moment::later, found);
    notifier_.retry();
    if (found.any) {
        waiters_.wake();
    }
}

/// A write that had to wait may send its signal to this thread now. It goes before any notice,
/// which may be by the same signal.
void Completions::submit(const sigset_t* before) noexcept {
    if (before == nullptr || !engine_.has_to_flush()) {
        engine_.flush_without_threads();
        return;
    }
    const engine::WriteSignals signals{*before};
    engine_.flush_without_threads();
    signals.discard_new();
}

void Completions::fail(Request& request, int error, Moment moment, Found& found) noexcept {
    request.result = -error;
    end(request, moment, found);
}

void Completions::end(Request& request, Moment moment, Found& found) noexcept {
    found.any = true;
    found.pipe_signal |= request.is_write() && request.result == -EPIPE;
    found.size_signal |= request.is_write() && request.result == -EFBIG;
    const std::int64_t result = result_of(request);
    if (request.flushed >= 0) {
        direct_path_.end_flush(request.flushed);
    }
    requests_.end(request);
    if (request.list != nullptr) {
        request.list->failed |= result < 0;
    }
    request.block->finish(result); // the block may be gone from here on
    notifier_.request_is_done(request, moment);
}

} // namespace posix
AIOXX_NAMESPACE_END
