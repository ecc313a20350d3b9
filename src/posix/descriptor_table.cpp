// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/descriptor_table.hpp"

#include <cerrno>
#include <new>
#include <utility>

#include <fcntl.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

CachedReads::Kind kind_for_reads(const PerCallDescriptor& file) noexcept {
    const bool has_pages =
        file.kind() == FileKind::regular || file.kind() == FileKind::block_device;
    if (!has_pages || file.traits.direct || file.traits.stream) {
        return CachedReads::Kind::other;
    }
    return file.traits.in_memory ? CachedReads::Kind::in_memory : CachedReads::Kind::cached;
}

} // namespace

PerCallDescriptor* DescriptorTable::find(int fd, int& error) {
    FileIdentity identity;
    if (!identity.read_from(fd) || (identity.flags & O_PATH) != 0) {
        error = EBADF;
        return nullptr;
    }
    Entry& entry = entries_[fd];
    const bool is_other = identity.is_anonymous() && !anonymous_.is_the_same(fd);
    if (entry.descriptor != nullptr && entry.identity == identity && !is_other) {
        direct_path_.describe(fd, identity.flags, *entry.descriptor);
        return entry.descriptor;
    }
    if (entry.descriptor != nullptr) { // the engine pins what it needs of the file before
        engine_.close(*std::exchange(entry.descriptor, nullptr));
    }
    cached_reads_.describe(fd, CachedReads::Kind::other, identity);
    direct_path_.forget(fd);
    std::error_code failure;
    const File file = File::borrow(fd, failure);
    if (failure) {
        error = failure.value();
        return nullptr;
    }
    entry.descriptor = add(file);
    entry.identity = identity;
    cached_reads_.describe(fd, kind_for_reads(*entry.descriptor), identity);
    return entry.descriptor;
}

PerCallDescriptor* DescriptorTable::add(const File& file) {
    lists_.free_retired();
    pins_.reserve(engine_.files() + 1);
    auto* const fresh = new PerCallDescriptor{file, duplicates_, pins_, engine_.workers(), lists_};
    try {
        engine_.add(*fresh);
    } catch (const std::bad_alloc&) {
        fresh->retire();
        throw;
    }
    return fresh;
}

void DescriptorTable::end_vain_watches() noexcept {
    if (!pins_.take_unwatchable()) [[likely]] {
        return;
    }
    for (PerCallDescriptor* file = lists_.pinned.front(); file != nullptr;
         file = PinnedFiles::next(*file)) {
        if (const int error = file->take_unwatchable(); error != 0) {
            engine_.readiness().cannot_watch(*file, error);
        }
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
