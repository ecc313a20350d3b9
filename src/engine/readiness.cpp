// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/readiness.hpp"

#include "engine/high_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

std::size_t direction_of(const OpenFile& file, const Operation& poll) noexcept {
    return &poll == &file.polls[1] ? 1 : 0;
}

} // namespace

void Readiness::open(Context& context, std::size_t slots, int event_fd) noexcept {
    event_fd_ = event_fd;
    context_ = &context;
    slots_ = slots;
    epoll_poll_.request.kind = Kind::poll;
    epoll_poll_.request.bits = POLLIN;
    epoll_poll_.internal = true;
    if (epoll_fd_ >= 0) {
        tell_loop(false); // the kernel does
        arm_epoll_poll();
    }
}

void Readiness::lose_poll() noexcept {
    slots_ = 0;
    if (!std::exchange(without_poll_, true)) {
        tell_loop(true);
    }
}

void Readiness::close() noexcept {
    if (epoll_fd_ >= 0) {
        ::close(epoll_fd_.exchange(-1));
    }
}

// --- Files ------------------------------------------------------------------------------------

void Readiness::add(OpenFile& file) {
    if (free_.empty()) {
        free_.reserve(files_.size() + 1); // so that remove() allocates nothing
        files_.push_back(nullptr);
        free_.push_back(static_cast<std::uint32_t>(files_.size() - 1));
    }
    const std::uint32_t place = free_.back();
    free_.pop_back();
    files_[place] = &file;
    file.id = std::uint64_t{++last_use_} << 32U | place;
}

void Readiness::remove(OpenFile& file) noexcept {
    const auto place = static_cast<std::uint32_t>(file.id);
    files_[place] = nullptr;
    free_.push_back(place);
}

OpenFile* Readiness::find(std::uint64_t id) const noexcept {
    const std::size_t place = id & 0xffffffffU;
    OpenFile* const file = place < files_.size() ? files_[place] : nullptr;
    return file != nullptr && file->id == id ? file : nullptr;
}

void Readiness::forget(OpenFile& file) noexcept {
    while (Operation* const poll = file.epoll_waiters.pop_front()) { // of a cancelled transfer
        poll->move_to(State::completed);
        poll->move_to(State::idle);
    }
    file.armed = 0;
    if (std::exchange(file.in_epoll, false)) {
        file.unwatch(epoll_fd_);
    }
}

// --- Waiting ----------------------------------------------------------------------------------

void Readiness::watch(Operation& operation) noexcept {
    if (operation.is_poll()) {
        place(operation);
        return;
    }
    OpenFile& file = open_file(operation);
    operation.move_to(State::watched);
    if (file.policy(operation).refuses_nowait()) {
        file.reopen_nonblocking(high_);
        file.kept |= file.nonblocking;
    }
    Operation& poll = file.polls[operation.is_write() ? 1 : 0];
    if (poll.state() == State::idle) { // else one left over from a cancelled transfer serves
        place(poll);
    }
}

void Readiness::take_slot(const Operation& poll) noexcept {
    ++polls_;
    users_polls_ += open_file(poll).is_engines ? 0 : 1;
}

void Readiness::give_back_slot(const Operation& poll) noexcept {
    --polls_;
    users_polls_ -= open_file(poll).is_engines ? 0 : 1;
}

void Readiness::place(Operation& poll) noexcept {
    OpenFile& file = open_file(poll);
    if (polls_ >= slots_) {
        by_epoll(poll);
        return;
    }
    take_slot(poll);
    poll.way = file.usable ? Way::submit : Way::worker_submit;
    poll.move_to(file.usable ? State::to_submit : State::to_run);
    (file.usable ? to_submit_ : to_run_).push_back(poll);
}

void Readiness::by_epoll(Operation& poll) noexcept {
    OpenFile& file = open_file(poll);
    poll.move_to(State::watched);
    if (file.epoll_waiters.empty()) {
        file.waits_since = ++epoll_waits_;
    }
    file.epoll_waiters.push_back(poll);
    const std::uint32_t wanted = poll.request.bits | EPOLLONESHOT;
    if ((wanted & ~file.armed) != 0 && !arm(file)) { // else it is told of that as it is
        const int error = errno;
        file.epoll_waiters.remove(poll);
        cannot_wait(poll, error);
    }
}

/// Registers the file for what its waiters want; false with errno. While it is registered the last
/// of them alone has to be looked at.
bool Readiness::arm(OpenFile& file) noexcept {
    std::uint32_t events = std::exchange(file.armed, 0U) | EPOLLONESHOT;
    const Operation* waiter =
        events == EPOLLONESHOT ? file.epoll_waiters.front() : file.epoll_waiters.back();
    for (; waiter != nullptr; waiter = OperationList::next(*waiter)) {
        events |= waiter->request.bits;
    }
    if (epoll_fd_ < 0) {
        const int low = ::epoll_create1(EPOLL_CLOEXEC);
        epoll_fd_ = high_ ? move_high(low) : low;
        tell_loop(is_without_poll());
        if (mailbox_.has_sleeper(Mailbox::Sleep::ring)) {
            mailbox_.wake();
        }
    }
    if (epoll_fd_ < 0) {
        return false;
    }
    if (const int error = file.watch(epoll_fd_, events, file.id); error != 0) {
        errno = error;
        return false;
    }
    file.in_epoll = true;
    file.armed = events;
    file.kept = true;
    arm_epoll_poll();
    return true;
}

void Readiness::arm_epoll_poll() noexcept {
    if (!is_without_poll() && epoll_poll_.state() == State::idle) {
        epoll_poll_.prepare(epoll_fd_, event_fd_);
        epoll_poll_.move_to(State::to_submit);
        to_submit_.push_back(epoll_poll_);
    }
}

/// Has the event loop's epoll descriptor tell of this one, or not any more.
void Readiness::tell_loop(bool whether) noexcept {
    struct epoll_event readable {};
    readable.events = EPOLLIN;
    if (loop_fd_ >= 0 && epoll_fd_ >= 0) {
        ::epoll_ctl(loop_fd_, whether ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, epoll_fd_, &readable);
    }
}

// --- What comes back --------------------------------------------------------------------------

void Readiness::refused(Operation& poll) noexcept {
    if (&poll == &epoll_poll_) {
        if (!std::exchange(without_poll_, true)) {
            tell_loop(true);
        }
        poll.move_to(State::completed);
        poll.move_to(State::idle);
        return;
    }
    give_back_slot(poll);
    by_epoll(poll); // more than one wait queue (a tty, an O_RDWR fifo), no memory, no POLL
}

void Readiness::event(Operation& poll, std::int64_t result) noexcept {
    if (&poll == &epoll_poll_) {
        poll.move_to(State::completed);
        poll.move_to(State::idle);
        epoll_is_ready();
        return;
    }
    give_back_slot(poll);
    tell(poll, result);
}

/// The wait of `poll` is over. `result`: events, or a negative errno.
void Readiness::tell(Operation& poll, std::int64_t result) noexcept {
    if (!poll.internal) {
        poll.result = result;
        ready.push_back(poll);
        return;
    }
    OpenFile& file = open_file(poll);
    poll.move_to(State::completed);
    poll.move_to(State::idle);
    Operation* const transfer = file.stream(direction_of(file, poll)).active();
    if (transfer != nullptr && transfer->state() == State::watched) {
        transfer->result = result;
        ready.push_back(*transfer);
    }
}

void Readiness::cannot_wait(Operation& poll, int error) noexcept {
    tell(poll, -error);
}

void Readiness::cannot_watch(OpenFile& file, int error) noexcept {
    file.armed = 0;
    OperationList waiters = std::exchange(file.epoll_waiters, {});
    while (Operation* const waiter = waiters.pop_front()) {
        cannot_wait(*waiter, error);
    }
}

void Readiness::epoll_is_ready() noexcept {
    std::array<struct epoll_event, 64> found{};
    int count = 0;
    do {
        count = ::epoll_wait(epoll_fd_, found.data(), static_cast<int>(found.size()), 0);
        // Two that are open on one terminal are ready together: the one that came first has it.
        const auto arrived = std::span{found}.first(static_cast<std::size_t>(std::max(count, 0)));
        const auto since = [this](const struct epoll_event& one) {
            const OpenFile* const file = find(one.data.u64);
            return file != nullptr ? file->waits_since : 0;
        };
        std::sort(arrived.begin(), arrived.end(),
                  [&](const auto& one, const auto& other) { return since(one) < since(other); });
        for (const struct epoll_event& one : arrived) {
            if (OpenFile* const file = find(one.data.u64)) {
                epoll_event(*file, one.events);
            }
        }
    } while (count == static_cast<int>(found.size()));
    arm_epoll_poll();
}

void Readiness::epoll_event(OpenFile& file, std::uint32_t events) noexcept {
    file.armed = 0;
    OperationList waiters = std::exchange(file.epoll_waiters, {});
    while (Operation* const waiter = waiters.pop_front()) {
        const std::uint32_t found = events & (waiter->request.bits | always_reported);
        if (found == 0) {
            file.epoll_waiters.push_back(*waiter);
        } else {
            tell(*waiter, found);
        }
    }
    if (!file.epoll_waiters.empty()) {
        arm(file);
    }
}

// --- Cancelling -------------------------------------------------------------------------------

Cancellation Readiness::take_back(Operation& operation) noexcept {
    if (!operation.is_poll()) {
        StreamQueue& stream = operation.file->stream(operation);
        if (!stream.has_waiting()) { // else the next transfer waits by the same poll
            drop(open_file(operation).polls[operation.is_write() ? 1 : 0]);
        }
        return Cancellation::cancelled;
    }
    if (operation.state() == State::watched) {
        open_file(operation).epoll_waiters.remove(operation);
        return Cancellation::cancelled;
    }
    if (operation.state() == State::to_submit || operation.state() == State::to_run) {
        (operation.state() == State::to_submit ? to_submit_ : to_run_).remove(operation);
        give_back_slot(operation);
        return Cancellation::cancelled;
    }
    if (operation.state() == State::worker && workers_.take_back(operation)) {
        give_back_slot(operation);
        return Cancellation::cancelled;
    }
    std::error_code error;
    if (context_->cancel(operation.iocb, error) == CancelResult::requested) {
        operation.cancel_requested = true;
    }
    return operation.cancel_requested ? Cancellation::requested : Cancellation::too_late;
}

/// No transfer waits by it any more. One that is with the kernel stays until its event.
void Readiness::drop(Operation& poll) noexcept {
    std::error_code ignored;
    switch (poll.state()) {
    case State::to_submit:
        to_submit_.remove(poll);
        give_back_slot(poll);
        break;
    case State::to_run:
        to_run_.remove(poll);
        give_back_slot(poll);
        break;
    case State::worker:
        if (!workers_.take_back(poll)) {
            context_->cancel(poll.iocb, ignored);
            return;
        }
        give_back_slot(poll);
        break;
    case State::kernel:
        context_->cancel(poll.iocb, ignored);
        return;
    case State::watched: // what is armed in the epoll descriptor fires once, and finds no waiter
        open_file(poll).epoll_waiters.remove(poll);
        break;
    default:
        return;
    }
    poll.move_to(State::completed);
    poll.move_to(State::idle);
}

} // namespace engine
AIOXX_NAMESPACE_END
