// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/per_call_descriptor.hpp"

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

PerCallDescriptor::PerCallDescriptor(const File& file, PinTable& pins, engine::WorkerPool& workers,
                                     FileLists& lists) noexcept
    : OpenFile(file), pins_(pins), workers_(workers), lists_(lists), kind_(file.kind()) {
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
}

void PerCallDescriptor::end_of_call(NamedFiles& named) noexcept {
    named.remove(*this);
    is_named_ = false;
    if (retired_) {
        lists_.retired.push_back(*this);
    }
}

/// The workers may end for idleness between the two steps.
bool PerCallDescriptor::pin() noexcept {
    constexpr int attempts = 10;
    std::error_code error;
    for (int i = 0; i < attempts && pin_ == nullptr && usable && !error; ++i) {
        workers_.start(error);
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
    close_reopened();
}

int PerCallDescriptor::prepare_for_worker(engine::Operation& operation) noexcept {
    operation.pin = nullptr;
    const bool takes_along = pin_ == nullptr && operation.in_turn;
    if (takes_along && pins_.lend(loan_, usable ? fd : -1, operation)) {
        return 0;
    }
    if (!pin()) {
        return EAGAIN; // POSIX knows one word for whatever there is too little of
    }
    operation.pin = pin_;
    return 0;
}

int PerCallDescriptor::watch(int epoll, std::uint32_t events, std::uint64_t data) noexcept {
    return pin() ? pins_.watch(*pin_, epoll, events, data) : EAGAIN;
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
