// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/per_call_descriptor.hpp"

#include "engine/engine.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace posix {

void FileLists::free_retired() noexcept {
    for (PerCallDescriptor* file = retired.pop_front(); file != nullptr;) {
        delete std::exchange(file, retired.pop_front());
    }
}

PerCallDescriptor::PerCallDescriptor(const File& file, DuplicateTable& duplicates, PinTable& pins,
                                     engine::WorkerPool& workers, FileLists& lists) noexcept
    : OpenFile(file), duplicates_(duplicates), pins_(pins), workers_(workers), lists_(lists),
      number_(file.fd()), kind_(file.kind()) {
    usable = false;
    if (traits.stream && file.is_nonblocking()) {
        // The program asks for EAGAIN, and not for a wait.
        traits.stream = false;
        traits.never_waits = true;
    }
}

void PerCallDescriptor::name(NamedFiles& named) noexcept {
    usable = true;
    if (!std::exchange(is_named_, true)) {
        named.push_back(*this);
    }
    // The program may have closed them: what waits goes on by others.
    if (reopened_ != nullptr && !DuplicateTable::confirm(*reopened_)) {
        close_reopened();
    }
    if (duplicate_ != nullptr && !DuplicateTable::confirm(*duplicate_)) {
        unwatch(-1);
        close_duplicate();
        keep_open(false);
    }
}

void PerCallDescriptor::end_of_call(engine::Engine& engine, NamedFiles& named) noexcept {
    if (duplicate_ == nullptr) {
        engine.expire(*this);
    }
    named.remove(*this);
    is_named_ = false;
    if (retired_) {
        lists_.retired.push_back(*this);
    }
}

/// A pin keeps a worker as well: where a thread of the program finds that something can go on there
/// is one.
bool PerCallDescriptor::keep_open(bool for_worker) noexcept {
    return for_worker ? pin() : is_kept_open() || duplicate() || pin();
}

/// It is of use where the engine's thread can make a call that does not wait.
bool PerCallDescriptor::duplicate() noexcept {
    const bool can_try =
        nonblocking || (!policy(0).refuses_nowait() && !policy(1).refuses_nowait());
    const bool suits = usable && can_try && (kind_ == FileKind::pipe || kind_ == FileKind::socket);
    duplicate_ = suits ? duplicates_.make(fd) : nullptr;
    if (duplicate_ != nullptr) {
        fd = duplicate_->fd;
        kept = true;
    }
    return duplicate_ != nullptr;
}

bool PerCallDescriptor::confirm(int number) noexcept {
    for (const Duplicate* const own : {duplicate_, reopened_}) {
        if (own != nullptr && own->fd == number) {
            return DuplicateTable::confirm(*own);
        }
    }
    return true; // it is the program's
}

/// High, always.
int PerCallDescriptor::open_anew(const char* path, int flags, bool /*high*/) noexcept {
    reopened_ = duplicates_.open_anew(path, flags);
    return reopened_ != nullptr ? reopened_->fd.load() : -1;
}

void PerCallDescriptor::close_anew(int /*number*/) noexcept {
    duplicates_.close(*std::exchange(reopened_, nullptr));
}

void PerCallDescriptor::close_duplicate() noexcept {
    if (duplicate_ != nullptr) {
        duplicates_.close(*std::exchange(duplicate_, nullptr));
        fd = number_;
        usable = is_named_;
    }
}

/// The workers may end for idleness between the two steps. Outside a call of the program's, which
/// may be in a signal handler, no worker is started.
bool PerCallDescriptor::pin() noexcept {
    constexpr int attempts = 10;
    std::error_code error;
    for (int i = 0; i < attempts && pin_ == nullptr && usable && !error; ++i) {
        if (is_named_) {
            workers_.start(error);
        }
        pin_ = error ? nullptr : pins_.pin(fd);
        if (pin_ != nullptr) {
            kept = true;
            lists_.pinned.push_back(*this);
        }
    }
    return pin_ != nullptr;
}

int PerCallDescriptor::take_unwatchable() noexcept {
    return pin_ != nullptr ? pin_->unwatchable.exchange(0) : 0;
}

void PerCallDescriptor::release() noexcept {
    loan_ = {};
    if (pin_ != nullptr) {
        lists_.pinned.remove(*this);
        pins_.release_and_wait(*std::exchange(pin_, nullptr));
    }
    close_duplicate();
    close_reopened();
}

int PerCallDescriptor::prepare_for_worker(engine::Operation& operation) noexcept {
    operation.pin = nullptr;
    const bool takes_along = pin_ == nullptr && operation.in_turn;
    if (takes_along && pins_.lend(loan_, usable ? fd : -1, operation)) {
        return 0;
    }
    if (pin_ == nullptr && !confirm(fd)) {
        return EBADF;
    }
    if (!pin()) {
        return EAGAIN; // POSIX knows one word for whatever there is too little of
    }
    operation.pin = pin_;
    return 0;
}

int PerCallDescriptor::watch(int epoll, std::uint32_t events, std::uint64_t data) noexcept {
    if (!keep_open(false)) {
        return EAGAIN;
    }
    if (!confirm(fd)) {
        return EBADF;
    }
    return duplicate_ != nullptr ? OpenFile::watch(epoll, events, data)
                                 : pins_.watch(*pin_, epoll, events, data);
}

/// Closing a pin ends it.
void PerCallDescriptor::unwatch(int epoll) noexcept {
    if (duplicate_ != nullptr) {
        OpenFile::unwatch(confirm(fd) ? epoll : -1);
    }
}

void PerCallDescriptor::retire() noexcept {
    if (is_named_) {
        retired_ = true; // for end_of_call()
    } else {
        lists_.retired.push_back(*this);
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
