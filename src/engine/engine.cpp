// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Opening and closing, starting, and waiting.

#include "engine/engine.hpp"

#include "engine/high_descriptor.hpp"
#include "kernel/kernel.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

constexpr std::size_t events_at_a_time = 256;
constexpr unsigned least_poll_slots = 16; // some wait for long: those on closed files, a timer's
constexpr unsigned most_poll_slots = 64;
constexpr unsigned internal_slots = 2; // the polls on wake_fd_ and on epoll_fd_
/// With more io_setup says EINVAL, whatever the system's limit is.
constexpr unsigned most_slots = 0x10000000 / sizeof(kernel::EventLayout) / 2;
constexpr unsigned most_depth = most_slots - most_poll_slots - internal_slots;

} // namespace

Engine::Engine(const Options& options, std::error_code& error)
    : events_(events_at_a_time), options_(options) {
    open_event_fd(wake_fd_, EventFd::Mode::nonblocking, error);
    if (!error && options.event_fd) {
        open_event_fd(
            event_fd_,
            options.event_fd_blocks ? EventFd::Mode::blocking : EventFd::Mode::nonblocking, error);
    }
    if (!error) {
        open_context(std::clamp(options.depth, 1U, most_depth), error);
    }
    if (error) {
        return;
    }
    helpers_.emplace(*context_, options.helpers, wake_fd_->fd(), event_fd(),
                     options.event_fd_blocks);
    for (Operation* const poll : {&wake_poll_, &epoll_poll_}) {
        poll->kind = Kind::poll;
        poll->internal = true;
        poll->poll_events = POLLIN;
    }
    arm_internal(wake_poll_, wake_fd_->fd());
    flush();
}

void Engine::open_event_fd(std::optional<EventFd>& where, EventFd::Mode mode,
                           std::error_code& error) const noexcept {
    EventFd low{mode, 0U, error};
    if (!error) {
        const int high = options_.high_descriptors ? duplicate_high(low.fd()) : -1;
        where.emplace(high >= 0 ? EventFd::adopt(high) : std::move(low));
    }
}

int Engine::placed(int fd) const noexcept {
    return options_.high_descriptors && fd >= 0 ? move_high(fd) : fd;
}

void Engine::open_context(unsigned depth, std::error_code& error) {
    for (unsigned least = least_poll_slots;;) {
        depth_ = depth;
        poll_slots_ = std::clamp(depth, least, most_poll_slots);
        const unsigned slots = depth_ + poll_slots_ + internal_slots;
        context_.emplace(slots, error);
        if (!error) {
            batch_.reserve(slots);
            return;
        }
        // Somebody else has used up fs.aio-max-nr. A shallow queue is slower, and works.
        if (error.value() != EAGAIN || (depth == 1 && least == 1)) {
            context_.reset();
            return;
        }
        least = depth == 1 ? 1 : least;
        depth = std::max(depth / 2, 1U);
    }
}

Engine::~Engine() {
    const bool own = is_open();
    if (helpers_ && own) {
        helpers_->stop();
    }
    forget_files();
    context_.reset(); // waits for what is in the kernel, the polls in the files' records too
    while (FileState* const file = files_.pop_front()) {
        file->owner_lets_go();
    }
    if (epoll_fd_ >= 0) {
        ::close(epoll_fd_);
    }
}

void Engine::start(Operation& operation) noexcept {
    FileState& file = *operation.file;
    operation.done = 0;
    operation.result = 0;
    operation.result2 = 0;
    operation.end_of_file = false;
    operation.cancel_requested = false;
    operation.pin = nullptr;
    ++statistics_.started;
    ++file.operations;
    file.transfers += operation.is_transfer() ? 1U : 0U;
    if (holds_flushes(operation)) {
        operation.sequence = ++file.sequence;
        file.under_way.push_back(operation);
    }
    if (operation.is_transfer() && file.stream) {
        operation.offset = 0; // sockets refuse any other, and nobody else looks at it
        FileState::Stream& stream = file.stream_of(operation);
        if (const int error = stream.is_possible ? 0 : why_impossible(operation); error != 0) {
            finish(operation, -error);
            return;
        }
        stream.is_possible = true;
        if (stream.active != nullptr) {
            operation.state = State::streaming;
            ++file.parked;
            stream.queue.push_back(operation);
        } else {
            stream.active = &operation;
            attempt_stream(operation);
        }
        return;
    }
    if (operation.is_flush() && operation.after_writes && !file.under_way.empty()) {
        operation.sequence = ++file.sequence;
        operation.state = State::ordered;
        ++file.parked;
        file.flushes.push_back(operation);
        return;
    }
    const bool appends = operation.is_write() &&
                         (file.append ? (operation.flags & RwFlags::noappend) == RwFlags::none
                                      : (operation.flags & RwFlags::append) != RwFlags::none);
    if (appends && file.kind == FileKind::regular) {
        if (file.appending != nullptr) {
            operation.state = State::ordered;
            ++file.parked;
            file.appends.push_back(operation);
            return;
        }
        file.appending = &operation;
    }
    dispatch(operation);
}

void Engine::wait(const std::chrono::nanoseconds* limit, std::error_code& error) noexcept {
    error.clear();
    if (!completed_.empty()) {
        return;
    }
    constexpr std::chrono::nanoseconds retry = std::chrono::milliseconds{1};
    const bool by_helpers = helper_jobs_ > 0;
    if (by_helpers) {
        helpers_->begin_wait(Helpers::Where::ring);
    }
    if (by_helpers && helpers_->has_refused()) {
        context_->reap(events_, error);
    } else if (!batch_.empty()) {
        // The kernel was short of memory: what waits here is not going to end this wait.
        context_->wait_for(events_, 1, limit != nullptr ? std::min(*limit, retry) : retry, error);
    } else if (limit != nullptr) {
        context_->wait_for(events_, 1, *limit, error);
    } else {
        context_->wait(events_, 1, error);
    }
    if (by_helpers) {
        helpers_->end_wait(Helpers::Where::ring);
    }
    take_events();
}

void Engine::await_event(std::chrono::nanoseconds limit) noexcept {
    helpers_->begin_wait(Helpers::Where::ring);
    if (!helpers_->has_refused()) {
        // With nowhere to write it the kernel does not take it: EFAULT.
        kernel::get_events(context_->native_handle(), 1, 1, nullptr,
                           std::max<std::int64_t>(limit.count(), 0), nullptr);
    }
    helpers_->end_wait(Helpers::Where::ring);
}

void Engine::wake() noexcept {
    std::error_code ignored; // a counter that is full has been signalled
    wake_fd_->signal(1, ignored);
}

void Engine::close_inherited_descriptors() noexcept {
    for (FileState* file = files_.front(); file != nullptr; file = List<FileState>::next(*file)) {
        close_reopened(*file);
    }
    helpers_->close_inherited_descriptors();
    wake_fd_.reset();
    event_fd_.reset();
    if (epoll_fd_ >= 0) {
        ::close(std::exchange(epoll_fd_, -1));
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
