// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Pipes, sockets, ttys: what waits for data waits by a poll, and takes no room from the disk.

#include "engine/engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// EINVAL or EBADF where the file can never be read, or written: epoll descriptors have no such
/// call, inotify is open for reading only, and a poll would wait for ever. Nothing is transferred
/// by this, and nothing waited for: the kernel looks at the file first, and then at the length,
/// which is 0.
int Engine::why_impossible(const Operation& operation) const noexcept {
    const FileState& file = *operation.file;
    if (file.kind == FileKind::pipe || file.kind == FileKind::socket || !may_use_number(file)) {
        return 0; // io_submit itself says so
    }
    const ssize_t none = operation.is_read() ? ::preadv2(file.fd, nullptr, 0, -1, 0)
                                             : ::pwritev2(file.fd, nullptr, 0, -1, 0);
    return none < 0 && (errno == EINVAL || errno == EBADF) ? errno : 0;
}

/// `operation` is the active one of its stream: try it, where trying cannot block.
void Engine::attempt_stream(Operation& operation) noexcept {
    FileState& file = *operation.file;
    const bool refused = file.direction(operation).nowait == Direction::Nowait::refused;
    if (refused && file.nonblocking_fd < 0) {
        await_readiness(operation);
    } else {
        dispatch(operation);
    }
}

void Engine::await_readiness(Operation& operation) noexcept {
    FileState& file = *operation.file;
    operation.state = State::streaming;
    ++file.parked;
    ++statistics_.polled;
    if (options_.numbers_expire && file.direction(operation).nowait == Direction::Nowait::refused) {
        reopen_nonblocking(file); // as long as it can be
    }
    Operation& readiness = file.stream_of(operation).readiness;
    if (readiness.state == State::idle) { // else one left over from a cancelled operation serves
        place_poll(readiness);
    }
}

void Engine::stream_is_ready(Operation& readiness) noexcept {
    FileState& file = *readiness.file;
    FileState::Stream& stream = file.stream_of(readiness);
    Operation* const operation = stream.active;
    if (operation == nullptr || operation->state != State::streaming) {
        return; // cancelled meanwhile
    }
    --file.parked;
    if (file.direction(*operation).nowait == Direction::Nowait::refused) {
        reopen_nonblocking(file);
    }
    dispatch(*operation);
}

/// Trying again without waiting would never end: a helper waits, in the call itself.
void Engine::poll_impossible(const Operation& readiness) noexcept {
    FileState* const file = readiness.file; // null: one of the engine's own descriptors
    Operation* const active = file != nullptr ? file->stream_of(readiness).active : nullptr;
    if (active != nullptr) {
        file->direction(*active).nowait = FileState::Direction::Nowait::refused;
    }
}

void Engine::place_poll(Operation& operation) noexcept {
    FileState& file = *operation.file;
    operation.route = Route::plain;
    if (polls_ >= poll_slots_) {
        if (!file.closed) {
            poll_by_epoll(operation);
        } else { // no number to register; and it must not wait in a place of the disk's
            operation.state = State::backlog;
            ++file.parked;
            late_polls_.push_back(operation);
        }
        return;
    }
    ++polls_;
    if (!may_use_number(file)) {
        hand_over(operation);
    } else {
        batch(operation);
    }
}

void Engine::internal_event(Operation& operation) noexcept {
    if (&operation == &wake_poll_) {
        std::error_code nothing_there;
        wake_fd_->read(nothing_there);
        arm_internal(wake_poll_, wake_fd_->fd());
        if (helpers_->take_unwatchable()) {
            end_watches_in_vain();
        }
    } else if (&operation == &epoll_poll_) {
        epoll_is_ready();
    } else {
        stream_is_ready(operation);
    }
}

/// For files that do not know RWF_NOWAIT: a descriptor of our own that is nonblocking, opened
/// anew, because O_NONBLOCK set on the user's would show to everybody who shares it.
void Engine::reopen_nonblocking(FileState& file) noexcept {
    if (!may_use_number(file) || std::exchange(file.reopen_tried, true)) {
        return;
    }
    int number = 0;
    const bool pty_master = ::ioctl(file.fd, TIOCGPTN, &number) == 0; // another master, if reopened
    const bool can_be = file.kind == FileKind::pipe || ::isatty(file.fd) == 1;
    const int mode = ::fcntl(file.fd, F_GETFL);
    if (pty_master || !can_be || mode < 0) {
        return;
    }
    std::array<char, 32> path{};
    std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", file.fd);
    file.nonblocking_fd =
        placed(::open(path.data(), (mode & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

void Engine::close_reopened(FileState& file) noexcept {
    if (file.nonblocking_fd >= 0 && file.nonblocking_fd != file.fd) {
        ::close(file.nonblocking_fd);
    }
    file.nonblocking_fd = -1;
}

} // namespace engine
AIOXX_NAMESPACE_END
