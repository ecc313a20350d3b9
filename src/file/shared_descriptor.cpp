// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "file/shared_descriptor.hpp"

#include "core/fork_generation.hpp"
#include "file/file_use.hpp"

#include <cerrno>
#include <memory>

#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace detail {

SharedDescriptor::SharedDescriptor(int fd, bool owned) noexcept
    : fd_(fd), generation_(fork_generation::current()), owned_(owned) {}

SharedDescriptor& SharedDescriptor::make(const File& file, SharedDescriptor* present) {
    auto* const fresh = new SharedDescriptor{file.fd(), file.is_owned()};
    if (file.shared_.compare_exchange_strong(present, fresh)) {
        return *fresh;
    }
    delete fresh; // another thread's queue was first
    return *present;
}

SharedDescriptor::~SharedDescriptor() {
    for (FileUsePlace* place = newest_.load(); place != &first_;) {
        FileUsePlace* const next = place->next;
        delete place;
        place = next;
    }
}

FileUsePlace& SharedDescriptor::take_place(const void* owner) {
    FileUsePlace* place = newest_.load(std::memory_order_acquire);
    for (; place != nullptr; place = place->next) {
        const void* none = nullptr;
        if (place->owner.compare_exchange_strong(none, owner, std::memory_order_acquire)) {
            return *place;
        }
    }
    place = new FileUsePlace;
    place->owner.store(owner, std::memory_order_relaxed);
    place->next = newest_.load(std::memory_order_relaxed);
    while (!newest_.compare_exchange_weak(place->next, place, std::memory_order_acq_rel)) {
    }
    return *place;
}

std::size_t SharedDescriptor::places() const noexcept {
    std::size_t count = 0;
    for (const FileUsePlace* place = newest_.load(std::memory_order_acquire); place != nullptr;
         place = place->next) {
        ++count;
    }
    return count;
}

int SharedDescriptor::drop_reference() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return 0;
    }
    const int error = close_number();
    let_go();
    return error;
}

int SharedDescriptor::close_number() noexcept {
    // EINTR: Linux has released the descriptor all the same, and another thread may own it now.
    return owned_.exchange(false) && ::close(fd_) != 0 && errno != EINTR ? errno : 0;
}

int SharedDescriptor::close(bool keep_open) noexcept {
    if (keep_open) {
        owned_.store(false);
    }
    for (FileUsePlace* place = newest_.load(std::memory_order_acquire); place != nullptr;
         place = place->next) {
        if (FileUse* const use = place->use.exchange(nullptr, std::memory_order_acq_rel)) {
            use->file_closes();
        }
    }
    if (generation_ != fork_generation::current()) {
        const int error = close_number();
        drop_reference();
        return error;
    }
    return drop_reference();
}

} // namespace detail
AIOXX_NAMESPACE_END
