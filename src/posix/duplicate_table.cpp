// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/duplicate_table.hpp"

#include "engine/high_descriptor.hpp"

#include <algorithm>
#include <cstddef>

#include <fcntl.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

DuplicateTable::DuplicateTable() : first_(engine::share_of_descriptors().first) {
    constexpr int most = 1024; // with more a pin costs a request less than glibc's thread does
    const int count = std::min(engine::share_of_descriptors().count, most);
    all_ = std::vector<Duplicate>(static_cast<std::size_t>(count));
    free_.reserve(all_.size());
    for (Duplicate& each : all_) {
        free_.push_back(&each);
    }
}

Duplicate* DuplicateTable::make(int fd) noexcept {
    FileIdentity identity;
    if (free_.empty() || !identity.read_inode(fd)) {
        return nullptr;
    }
    const int number = ::fcntl(fd, F_DUPFD_CLOEXEC, first_);
    return number >= 0 ? &take(identity, number) : nullptr;
}

Duplicate* DuplicateTable::adopt(int number) noexcept {
    FileIdentity identity;
    const bool can = !free_.empty() && identity.read_inode(number);
    return can ? &take(identity, number) : nullptr;
}

Duplicate& DuplicateTable::take(const FileIdentity& identity, int number) noexcept {
    Duplicate& taken = *free_.back();
    free_.pop_back();
    taken.identity = identity;
    taken.fd.store(number, std::memory_order_release);
    return taken;
}

bool DuplicateTable::confirm(const Duplicate& duplicate) noexcept {
    return duplicate.identity.has_inode_of(duplicate.fd.load(std::memory_order_relaxed));
}

void DuplicateTable::close(Duplicate& duplicate) noexcept {
    close_number(duplicate);
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
