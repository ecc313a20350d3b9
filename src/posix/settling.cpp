// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The way out: outcomes go to the blocks, and who asked for it hears of them.

#include "posix/layer.hpp"

#include "posix/notification.hpp"

#include <cerrno>
#include <cstdio>
#include <new>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

/// As sigqueue(3) does, with the code that says what it is about.
void send_signal(const sigevent& notification) noexcept {
    siginfo_t info{};
    info.si_signo = notification.sigev_signo;
    info.si_code = SI_ASYNCIO;
    info.si_pid = ::getpid();
    info.si_uid = ::getuid();
    info.si_value = notification.sigev_value;
    ::syscall(SYS_rt_sigqueueinfo, info.si_pid, info.si_signo, &info);
}

} // namespace

void Layer::take_in() noexcept {
    do {
        engine_.reap();
        engine_.flush_as_is();
        settle();
    } while (engine_.has_completed());
    tell_waiters();
}

void Layer::settle() noexcept {
    while (engine::Operation* const operation = engine_.take()) {
        finished(static_cast<Request&>(*operation));
    }
}

void Layer::fail(Request& request, int error) noexcept {
    request.result = -error;
    finished(request);
}

void Layer::finished(Request& request) noexcept {
    std::int64_t result = request.result;
    if (result < 0 && request.done > 0) {
        result = static_cast<std::int64_t>(request.done); // as write(2): what came before counts
    }
    pipe_signal_ |= request.is_write() && request.result == -EPIPE;
    size_signal_ |= request.is_write() && request.result == -EFBIG;
    if (request.no_resources && result == -ECANCELED) {
        result = -EAGAIN;
    }
    if (wants_impossible_signal(request.notification)) {
        result = -EINVAL;
    }
    (request.fresh ? started_ : in_progress_).remove(request);
    any_finished_ = true;
    ControlBlock& block = *request.block;
    RequestList* const list = request.list;
    if (list != nullptr) {
        list->failed |= result < 0;
    }
    block.finish(result); // and may be gone
    const bool later = is_left_to_attendant(request.notification);
    if (later) {
        attend(request);
    }
    if (later && attendant_runs_) {
        to_notify_.push_back(request);
        engine_.wake();
    } else {
        notify(request.notification);
        end_attention(request);
        pool_.give_back(request);
    }
    if (list != nullptr) {
        list_lost_one(*list);
    }
}

void Layer::print_counts() const noexcept {
    const engine::Statistics& engine = engine_.statistics();
    const std::uint64_t cached = files_.cached_reads().count();
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::fprintf(stderr,
                 "aioxx posix: %llu requests: %llu done at once, %llu direct, %llu offloaded, "
                 "%llu polled, %llu cancelled; %llu in progress at most\n",
                 number(counts_.requests + cached), number(counts_.at_once + cached),
                 number(counts_.direct), number(engine.offloaded), number(engine.polled),
                 number(counts_.cancelled), number(counts_.deepest));
}

void Layer::notify(const sigevent& notification) noexcept {
    if (wants_signal(notification)) {
        send_signal(notification);
    }
}

/// Threads cannot be made in a handler. And a signal for what has completed inside the call that
/// started it would come before that call returns: programs that go on to pause() rely on glibc's
/// threads being later.
bool Layer::is_left_to_attendant(const sigevent& notification) const noexcept {
    return wants_thread(notification) || (in_call_ && wants_signal(notification));
}

RequestList* Layer::make_list(bool awaited, const sigevent* notification) noexcept {
    RequestList* list = nullptr;
    try {
        list = &lists_.take();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    list->notification = {};
    list->notification.sigev_notify = SIGEV_NONE;
    if (notification != nullptr) {
        list->notification = *notification;
    }
    list->unfinished = 1;
    list->failed = false;
    list->awaited = awaited;
    return list;
}

bool Layer::list_is_complete(RequestList& list) noexcept {
    in_call_ = true;
    const bool done = list_lost_one(list);
    in_call_ = false;
    tell_waiters();
    return done;
}

/// Whether that was the last.
bool Layer::list_lost_one(RequestList& list) noexcept {
    if (--list.unfinished > 0) {
        return false;
    }
    any_finished_ = true;
    if (is_left_to_attendant(list.notification)) {
        ++attended_;
        start_attendant();
        if (attendant_runs_) {
            lists_to_notify_.push_back(list); // given back when that is done
            engine_.wake();
            return true;
        }
        --attended_;
    }
    notify(list.notification);
    if (!list.awaited) {
        lists_.give_back(list);
    }
    return true;
}

/// Those who sleep look again: the leader's counter has been signalled by what came out of the
/// kernel, but not by what failed before it got there, or was cancelled.
void Layer::tell_waiters() noexcept {
    if (!std::exchange(any_finished_, false)) {
        return;
    }
    const auto self = static_cast<std::uintptr_t>(::pthread_self());
    if (leader_ != 0 && leader_ != self && !is_cut_off()) {
        std::error_code ignored; // a counter that is full has been signalled
        engine_.event_counter()->signal(1, ignored);
    }
    wake_followers();
}

void Layer::wake_followers() noexcept {
    sequence_.fetch_add(1);
    if (followers_ > 0) {
        ::syscall(SYS_futex, &sequence_, FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0);
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
