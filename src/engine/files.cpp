// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Files: what is known of them, when their numbers count, and how they are held when those do not.

#include "engine/engine.hpp"

#include <cerrno>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {

FileState& Engine::state_of(const File& file) {
    if (FileUse* const use = FileUses::find(file, this)) [[likely]] {
        return static_cast<FileState&>(*use);
    }
    helpers_->reserve_for(files_.size() + 1);
    auto* const state = new FileState{*this, file};
    state->id = ++last_file_;
    FileUses::add(file, *state);
    files_.push_back(*state);
    return *state;
}

void Engine::file_closes(FileState& file) noexcept {
    if (!is_open()) {
        return; // a child's copy: helpers, epoll descriptor and batch are its parent's
    }
    flush(); // what is ready enters the kernel under the number that it was meant for
    reap();
    // What is in the kernel may come back: refused by NOWAIT, interrupted, or short.
    OperationList left_behind = leave_batch(file);
    const bool number_counts = !options_.numbers_expire || file.named; // else it has its pin
    if (number_counts && (file.parked > 0 || file.transfers > file.lent || !left_behind.empty())) {
        start_and_pin(file);
    }
    file.closed = true;
    end_stream_waits(file);
    close_reopened(file);
    while (Operation* const operation = left_behind.pop_front()) {
        operation->route =
            operation->route == Route::nonblocking ? Route::helper : operation->route;
        hand_over(*operation);
    }
    flush();
    let_go_if_done(file);
    if (has_completed() && event_fd_) {
        std::error_code ignored; // what failed here makes no event
        event_fd_->signal(1, ignored);
    }
}

void Engine::name_file(FileState& file) noexcept {
    if (!file.named) {
        file.named = true;
        named_.push_back(file);
    }
}

void Engine::end_call() noexcept {
    flush();
    if (reap()) {
        flush();
    }
    while (FileState* const file = named_.pop_front()) {
        OperationList left_behind = batch_.empty() ? OperationList{} : leave_batch(*file);
        // A try by NOWAIT comes back; what was submitted plainly is with the kernel for good.
        const bool may_come_back =
            file->transfers > file->lent && !file->direct && !file->in_memory;
        if (file->parked > 0 || may_come_back || !left_behind.empty()) {
            start_and_pin(*file);
        }
        file->named = false;
        while (Operation* const operation = left_behind.pop_front()) {
            hand_over(*operation);
        }
    }
    flush();
}

/// Nothing is under way on the file any more, and nobody shall find it open on our account.
void Engine::let_pin_go(FileState& file) noexcept {
    while (Operation* const waiter = file.epoll_waiters.pop_front()) {
        --file.parked; // left over from a cancelled operation
        waiter->state = State::idle;
    }
    file.watched = false;
    unpin(file);
    if (file.nonblocking_fd != file.fd) {
        close_reopened(file);
        file.reopen_tried = false;
    }
}

void Engine::forget_files() noexcept {
    for (FileState* file = files_.front(); file != nullptr; file = List<FileState>::next(*file)) {
        close_reopened(*file);
        file->owner_forgets();
    }
}

/// The helpers may end for idleness between the two.
bool Engine::start_and_pin(FileState& file) noexcept {
    constexpr int attempts = 10;
    std::error_code error;
    for (int i = 0; i < attempts && !error; ++i) {
        helpers_->start(error);
        if (!error && ensure_pin(file)) {
            return true;
        }
    }
    if (error) {
        file.pin_error = may_use_number(file) ? error.value() : file.pin_error;
    }
    return file.pin != nullptr;
}

int Engine::why_unheld(const FileState& file) const noexcept {
    if (options_.numbers_expire) {
        return EAGAIN;
    }
    return file.pin_error != 0 ? file.pin_error : EBADF;
}

bool Engine::ensure_pin(FileState& file) noexcept {
    if (file.pin == nullptr && may_use_number(file) && helpers_->running()) {
        errno = EAGAIN; // where it is not the sending that fails
        file.pin = helpers_->pin(file.fd);
        file.pin_error = file.pin == nullptr ? errno : 0;
    }
    return file.pin != nullptr;
}

void Engine::unpin(FileState& file) noexcept {
    if (file.pin != nullptr) {
        Pin& pin = *std::exchange(file.pin, nullptr);
        options_.numbers_expire ? helpers_->let_go_and_wait(pin) : helpers_->let_go(pin);
    }
}

/// The helpers have asked: they end when they hold no file. Files that were closed stay there,
/// since nobody else has them; and where numbers expire a file is held for as long as it is needed,
/// and not longer.
void Engine::unpin_idle() noexcept {
    if (options_.numbers_expire) {
        return;
    }
    for (FileState* file = files_.front(); file != nullptr; file = List<FileState>::next(*file)) {
        if (!file->closed) {
            unpin(*file);
        }
    }
}

void Engine::let_go_if_done(FileState& file) noexcept {
    const bool held = static_cast<const Link<FileState, 0>&>(file).linked;
    if (held && file.closed && file.is_quiet()) {
        unpin(file);
        files_.remove(file);
        file.owner_lets_go();
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
