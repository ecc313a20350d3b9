// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Entering the kernel.

#include "engine/engine.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <limits>
#include <utility>

#include <sys/resource.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

Operation& operation_of(const Iocb& iocb) noexcept {
    return *reinterpret_cast<Operation*>(static_cast<std::uintptr_t>(iocb.data()));
}

/// How often this thread has gone to sleep by itself.
long voluntary_switches() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/// Bytes that are left to transfer, or nothing where there are too many, at once or in one vector.
std::optional<std::uint64_t> bytes_of(const Operation& operation) noexcept {
    constexpr std::size_t most_vectors = 1024; // IOV_MAX
    constexpr std::size_t most = SSIZE_MAX;
    if (operation.vector == nullptr) {
        const std::size_t bytes = operation.length - operation.done;
        return bytes <= most ? std::optional<std::uint64_t>{bytes} : std::nullopt;
    }
    std::uint64_t bytes = 0;
    if (operation.length > most_vectors) {
        return std::nullopt;
    }
    for (const iovec& part : std::span{operation.vector, operation.length}) {
        if (part.iov_len > most) {
            return std::nullopt;
        }
        bytes = std::min<std::uint64_t>(bytes + part.iov_len, most); // a sum of 1024 may be more
    }
    return bytes;
}

/// Whether io_submit has no reason to refuse a transfer by EINVAL but its file.
bool is_well_formed(const Operation& operation) noexcept {
    constexpr std::uint64_t most_at_once = INT_MAX; // the kernel cuts the rest off
    constexpr RwFlags refused_otherwise = RwFlags::hipri | RwFlags::dsync | RwFlags::sync |
                                          RwFlags::append | RwFlags::noappend | RwFlags::atomic |
                                          RwFlags::dontcache | RwFlags::nosignal; // EOPNOTSUPP
    constexpr RwFlags contradiction = RwFlags::append | RwFlags::noappend;
    const std::optional<std::uint64_t> bytes = bytes_of(operation);
    const std::int64_t from = operation.offset + static_cast<std::int64_t>(operation.done);
    return bytes && from >= 0 &&
           static_cast<std::uint64_t>(from) + std::min(*bytes, most_at_once) <=
               std::uint64_t{std::numeric_limits<std::int64_t>::max()} &&
           !operation.prioritised && (operation.flags & ~refused_otherwise) == RwFlags::none &&
           (operation.flags & contradiction) != contradiction;
}

} // namespace

void Engine::flush() noexcept {
    if (helpers_->asks_for_release()) [[unlikely]] {
        unpin_idle();
    }
    pump_backlog(); // cancelling may have made room, and no event comes of that
    give_to_helpers();
    submit_batch();
    // A refusal may have handed something on, or made room.
    while (!unhanded_.empty() || backlog_can_go())
        [[unlikely]] {
            pump_backlog();
            give_to_helpers();
            submit_batch();
        }
}

void Engine::flush_as_is() noexcept {
    pump_backlog();
    OperationList waiting = std::exchange(unhanded_, {});
    while (Operation* const operation = waiting.pop_front()) {
        hand_over(*operation); // with no helpers running it stays where it was
    }
    submit_batch();
}

void Engine::give_to_helpers() noexcept {
    if (unhanded_.empty()) [[likely]] {
        return;
    }
    OperationList waiting = std::exchange(unhanded_, {});
    while (Operation* const operation = waiting.pop_front()) {
        if (may_be_helped(*operation->file) && start_and_pin(*operation->file)) {
            hand_over(*operation);
        } else if (may_use_number(*operation->file) && !options_.numbers_expire) {
            // No thread wanted or to be had, or no way to give it the file. Late is better than
            // never: the call is made here, and may block.
            if (operation->route == Route::call) {
                operation->state = State::kernel;
                event(*operation, operation->call(operation->file->fd), 0);
                continue;
            }
            operation->route = Route::plain;
            batch(*operation);
        } else if (operation->internal) {
            event(*operation, -why_unheld(*operation->file), 0);
        } else {
            release_slot(*operation);
            finish(*operation, -why_unheld(*operation->file));
        }
    }
}

void Engine::submit_batch() noexcept {
    std::size_t from = 0;
    unsigned attempts = 0;
    while (from < batch_.size()) {
        const std::size_t before = from;
        from += submit_some(from);
        if (from != before) {
            attempts = 0;
            continue;
        }
        // EAGAIN: the ring is full of events that nobody has taken, or the kernel is short of
        // memory. Take what there is and go on; if there is nothing to take, the next flush will.
        if (!reap() && ++attempts > 1) {
            break;
        }
    }
    batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(from));
}

/// Submits from `from` on, up to what is to be watched alone; returns how many are done with.
std::size_t Engine::submit_some(std::size_t from) noexcept {
    const auto watch_of = [](const Iocb* iocb) { return operation_of(*iocb).watch; };
    const auto is_alone = [&](const Iocb* iocb) { return watch_of(iocb) == SubmitWatch::alone; };
    const auto is_watched = [&](const Iocb* iocb) { return watch_of(iocb) != SubmitWatch::none; };
    const auto first = batch_.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = is_alone(*first) ? first + 1 : std::find_if(first, batch_.end(), is_alone);
    const bool watched = std::any_of(first, end, is_watched);
    const long switches = watched ? voluntary_switches() : 0;
    std::size_t accepted = 0;
    const int error = submit_call(from, static_cast<std::size_t>(end - first), accepted);
    if (watched && accepted > 0) {
        const bool blocked = voluntary_switches() != switches;
        statistics_.blocking_submits += blocked ? 1 : 0;
        learn_from_submits({batch_.data() + from, accepted}, blocked);
    }
    if (error == 0) {
        return accepted;
    }
    Operation& refused = operation_of(*batch_[from]);
    if (error == EAGAIN && is_own(refused)) {
        // It has all the time there is; the others are tried, and know when it has been enough.
        std::rotate(first, first + 1, batch_.end());
        return 0;
    }
    return submit_refused(refused, error) ? 1 : 0;
}

/// What went into the kernel by one call. The operations are the kernel's now; what is learnt about
/// is their files.
void Engine::learn_from_submits(std::span<const Iocb* const> accepted, bool blocked) noexcept {
    const bool one = accepted.size() == 1;
    for (const Iocb* const iocb : accepted) {
        Operation& operation = operation_of(*iocb);
        const SubmitWatch watch = std::exchange(operation.watch, SubmitWatch::none);
        if (watch == SubmitWatch::alone || (watch == SubmitWatch::together && one)) {
            learn_from_submit(operation, blocked);
        } else if (watch == SubmitWatch::together && blocked) {
            suspect(operation); // or another in the call
        }
    }
}

int Engine::submit_call(std::size_t from, std::size_t count, std::size_t& accepted) noexcept {
    for (std::size_t i = from; i < from + count; ++i) {
        operation_of(*batch_[i]).state = State::kernel;
    }
    using Clock = std::chrono::steady_clock;
    const Clock::time_point before = options_.time_submits ? Clock::now() : Clock::time_point{};
    std::error_code error;
    accepted = context_->submit({batch_.data() + from, count}, error);
    ++statistics_.submit_calls;
    if (accepted > 0) {
        refusals_ = 0;
    }
    if (options_.time_submits) {
        statistics_.add_submit_time(Clock::now() - before);
    }
    for (std::size_t i = from + accepted; i < from + count; ++i) {
        operation_of(*batch_[i]).state = State::batched;
    }
    return error.value();
}

/// The kernel does not take `operation`. True when that is settled; false when it is to be tried
/// again later.
bool Engine::submit_refused(Operation& operation, int error) noexcept {
    if (error == EINTR || (error == EAGAIN && may_pass())) {
        return false;
    }
    if (is_own(operation)) {
        operation.state = State::idle; // a kernel without POLL: waits end by completions alone
        return true;
    }
    if (operation.kind == Kind::poll) {
        --polls_;
        operation.state = State::streaming;
        if (error == EINVAL && may_use_number(*operation.file)) {
            poll_by_epoll(operation); // more than one wait queue: a tty, an O_RDWR fifo
        } else if (operation.internal) {
            operation.state = State::idle;
            poll_impossible(operation);
            internal_event(operation);
        } else {
            finish(operation, -error);
        }
        return true;
    }
    release_slot(operation);
    if (error == EOPNOTSUPP && operation.route == Route::nowait) {
        try_refused(operation, -error);
    } else if (error == EINVAL && file_knows_no_aio(operation)) {
        go_by_call(operation);
    } else {
        finish(operation, operation.done > 0 && !operation.exact
                              ? static_cast<std::int64_t>(operation.done)
                              : -error);
    }
    return true;
}

/// Accepted by io_submit on this thread, and more than the engine's own polls.
bool Engine::something_is_in_kernel() const noexcept {
    std::size_t own = 0;
    for (const Operation* const poll : {&wake_poll_, &epoll_poll_}) {
        own += poll->state == State::batched ? 1U : 0U;
    }
    return used_ + polls_ + own > batch_.size() + helper_jobs_ + unhanded_.size();
}

/// Whether EAGAIN is worth another try: something of ours is with the kernel, and makes room when
/// it ends, or it has not been said for long. A kernel that has nothing of ours, and goes on to say
/// so for a second and a thousand tries, means it.
bool Engine::may_pass() noexcept {
    using Clock = std::chrono::steady_clock;
    constexpr unsigned tries = 1000;
    constexpr std::chrono::seconds patience{1};
    if (something_is_in_kernel()) {
        return true;
    }
    if (refusals_++ == 0) {
        refused_since_ = Clock::now();
    }
    return refusals_ < tries || Clock::now() - refused_since_ < patience;
}

/// io_submit has said EINVAL, and nothing in the operation itself explains that. There are files
/// that can be read(2), and by AIO not: those of /proc/PID, inotify, drivers of old.
bool Engine::file_knows_no_aio(const Operation& operation) noexcept {
    const FileKind kind = operation.file->kind;
    const bool candidate =
        kind == FileKind::regular || kind == FileKind::character_device || kind == FileKind::other;
    return candidate && operation.is_transfer() && operation.route != Route::call &&
           is_well_formed(operation);
}

void Engine::go_by_call(Operation& operation) noexcept {
    FileState& file = *operation.file;
    FileState::Direction& direction = file.direction(operation);
    direction.by_call = true;
    direction.nowait = Direction::Nowait::refused;
    if (file.stream) {
        await_readiness(operation);
    } else {
        dispatch(operation);
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
