// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/duplicate_table.hpp"

#include "engine/high_descriptor.hpp"
#include "posix/fork_gate.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include <fcntl.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

DuplicateTable::DuplicateTable() : first_(engine::share_of_descriptors().first) {
    constexpr int most = 1024; // with more a pin costs a request less than glibc's thread does
    allowed_ = static_cast<std::size_t>(std::min(engine::share_of_descriptors().count, most));
    all_ = std::vector<Duplicate>(allowed_ + most);
    free_.reserve(all_.size());
    for (Duplicate& each : all_) {
        free_.push_back(&each);
    }
}

Duplicate* DuplicateTable::make(int fd) noexcept {
    const ForkGate::Passage passage;
    FileIdentity identity;
    if (!passage.is_open() || allowed_ == 0 || free_.empty() || !identity.read_inode(fd)) {
        return nullptr;
    }
    const int number = ::fcntl(fd, F_DUPFD_CLOEXEC, first_);
    if (number < 0) {
        return nullptr;
    }
    --allowed_;
    return &take(identity, number);
}

Duplicate* DuplicateTable::open_anew(const char* path, int flags) noexcept {
    const ForkGate::Passage passage;
    if (!passage.is_open() || free_.empty()) {
        errno = EAGAIN;
        return nullptr;
    }
    FileIdentity identity;
    const int number = engine::move_high(::open(path, flags));
    if (number < 0) {
        return nullptr;
    }
    identity.read_inode(number); // of what was opened, whatever the path leads to by now
    Duplicate& opened = take(identity, number);
    opened.opened_anew = true;
    return &opened;
}

Duplicate& DuplicateTable::take(const FileIdentity& identity, int number) noexcept {
    Duplicate& taken = *free_.back();
    free_.pop_back();
    taken.identity = identity;
    taken.opened_anew = false;
    taken.fd.store(number, std::memory_order_release);
    return taken;
}

bool DuplicateTable::confirm(const Duplicate& duplicate) noexcept {
    return duplicate.identity.has_inode_of(duplicate.fd.load(std::memory_order_relaxed));
}

void DuplicateTable::close(Duplicate& duplicate) noexcept {
    close_number(duplicate);
    allowed_ += duplicate.opened_anew ? 0 : 1;
    free_.push_back(&duplicate); // there is room for all of them
}

void DuplicateTable::close_number(const Duplicate& duplicate) noexcept {
    if (confirm(duplicate)) {
        ::close(duplicate.fd.load(std::memory_order_relaxed));
    }
}

/// The free ones as well: a fork copies the descriptors first and the memory later, and a thread
/// may have closed one in between.
void DuplicateTable::close_inherited() noexcept {
    for (const Duplicate& each : all_) {
        if (each.fd.load(std::memory_order_acquire) >= 0) { // acquires the identity
            close_number(each);
        }
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
