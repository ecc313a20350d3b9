// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What POLL is refused for, and what there is no room for in the context, waits by an epoll
// descriptor, which is itself polled.

#include "engine/engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include <poll.h>
#include <sys/epoll.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// POLL is refused on ttys and on O_RDWR fifos, and takes a slot each. An epoll descriptor holds
/// any number of files, and can itself be polled.
void Engine::poll_by_epoll(Operation& operation) noexcept {
    FileState& file = *operation.file;
    operation.state = State::streaming;
    ++file.parked;
    if (file.epoll_waiters.empty()) {
        file.waits_since = ++epoll_waits_;
    }
    file.epoll_waiters.push_back(operation);
    if (update_epoll(file)) {
        return;
    }
    const int error = errno;
    file.epoll_waiters.remove(operation);
    --file.parked;
    cannot_be_watched(operation, error);
}

void Engine::cannot_be_watched(Operation& operation, int error) noexcept {
    operation.state = State::idle;
    if (operation.internal) {
        poll_impossible(operation);
        stream_is_ready(operation); // it cannot be waited for: the helper that reads will wait
    } else if (error == EPERM) {
        finish(operation, operation.poll_events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
    } else {
        finish(operation, -error);
    }
}

void Engine::end_watches_in_vain() noexcept {
    for (FileState* file = files_.front(); file != nullptr; file = List<FileState>::next(*file)) {
        const int error = file->pin != nullptr ? file->pin->unwatchable.exchange(0) : 0;
        if (error == 0) {
            continue;
        }
        OperationList waiters = std::exchange(file->epoll_waiters, {});
        while (Operation* const waiter = waiters.pop_front()) {
            --file->parked;
            cannot_be_watched(*waiter, error);
        }
    }
}

/// Arms the file for what its waiters want; false with errno.
bool Engine::update_epoll(FileState& file) noexcept {
    std::uint32_t events = EPOLLONESHOT;
    for (const Operation* waiter = file.epoll_waiters.front(); waiter != nullptr;
         waiter = OperationList::next(*waiter)) {
        events |= waiter->poll_events;
    }
    const bool by_number = may_use_number(file) && !options_.numbers_expire;
    if (!open_epoll() ||
        !(by_number ? watch_by_number(file, events) : watch_by_pin(file, events))) {
        return false;
    }
    if (epoll_poll_.state == State::idle) {
        arm_internal(epoll_poll_, epoll_fd_);
    }
    return true;
}

bool Engine::open_epoll() noexcept {
    if (epoll_fd_ < 0) {
        epoll_fd_ = placed(::epoll_create1(EPOLL_CLOEXEC));
    }
    return epoll_fd_ >= 0;
}

// What a registration carries tells the two kinds apart: an address, which is even, or an odd
// number. A file that is watched by its pin may be gone before the last event of it is seen.

bool Engine::watch_by_number(FileState& file, std::uint32_t events) noexcept {
    struct epoll_event registration {};
    registration.events = events;
    registration.data.u64 = reinterpret_cast<std::uintptr_t>(&file);
    const int operation = file.in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (::epoll_ctl(epoll_fd_, operation, file.fd, &registration) != 0) {
        return false;
    }
    file.in_epoll = true;
    return true;
}

bool Engine::watch_by_pin(FileState& file, std::uint32_t events) noexcept {
    if (file.pin == nullptr && !(may_use_number(file) && start_and_pin(file))) {
        errno = file.pin_error != 0 ? file.pin_error : EAGAIN;
        return false;
    }
    file.watched = true;
    errno = helpers_->watch(*file.pin, epoll_fd_, events, file.id * 2 + 1);
    return errno == 0;
}

FileState* Engine::file_of(std::uint64_t registration) const noexcept {
    if (registration % 2 == 0) {
        return reinterpret_cast<FileState*>(static_cast<std::uintptr_t>(registration));
    }
    FileState* file = files_.front();
    while (file != nullptr && file->id != registration / 2) {
        file = List<FileState>::next(*file);
    }
    return file != nullptr && file->watched ? file : nullptr;
}

void Engine::epoll_is_ready() noexcept {
    std::array<struct epoll_event, 64> ready{};
    int count = 0;
    do {
        count = ::epoll_wait(epoll_fd_, ready.data(), static_cast<int>(ready.size()), 0);
        // Two that are open on one terminal are ready together, and who came first shall have it.
        const auto arrived = std::span{ready}.first(static_cast<std::size_t>(std::max(count, 0)));
        std::sort(arrived.begin(), arrived.end(), [this](const auto& one, const auto& other) {
            const FileState* const file = file_of(one.data.u64);
            const FileState* const other_file = file_of(other.data.u64);
            return (file != nullptr ? file->waits_since : 0) <
                   (other_file != nullptr ? other_file->waits_since : 0);
        });
        for (const struct epoll_event& one : arrived) {
            if (FileState* const file = file_of(one.data.u64)) {
                epoll_event(*file, one.events);
            }
        }
    } while (count == static_cast<int>(ready.size()));
    if (epoll_poll_.state == State::idle) {
        arm_internal(epoll_poll_, epoll_fd_);
    }
}

void Engine::epoll_event(FileState& file, std::uint32_t events) noexcept {
    OperationList waiters = std::exchange(file.epoll_waiters, {});
    while (Operation* const waiter = waiters.pop_front()) {
        const std::uint32_t found = events & (waiter->poll_events | always_reported);
        if (found == 0) {
            file.epoll_waiters.push_back(*waiter);
            continue;
        }
        --file.parked;
        waiter->state = State::idle;
        if (waiter->internal) {
            stream_is_ready(*waiter);
        } else {
            finish(*waiter, found);
        }
    }
    if (!file.epoll_waiters.empty()) {
        update_epoll(file);
    }
}

/// The number goes. Registrations with epoll are by number and cannot be changed afterwards; who
/// waits there goes on waiting by a poll that a helper submits.
void Engine::end_stream_waits(FileState& file) noexcept {
    if (!file.in_epoll) {
        return;
    }
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, file.fd, nullptr);
    file.in_epoll = false;
    OperationList waiters = std::exchange(file.epoll_waiters, {});
    while (Operation* const waiter = waiters.pop_front()) {
        --file.parked;
        waiter->state = State::idle;
        const Operation* const active = file.stream_of(*waiter).active;
        if (!waiter->internal || (active != nullptr && active->state == State::streaming)) {
            place_poll(*waiter);
        }
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
