// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include "engine/engine.hpp"
#include "posix/anonymous_files.hpp"
#include "posix/cached_reads.hpp"
#include "posix/direct_path.hpp"
#include "posix/file_identity.hpp"
#include "posix/per_call_descriptor.hpp"

#include <unordered_map>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Which file is behind each of the program's descriptors. The program closes descriptors without
/// telling the layer, so each request checks by two system calls that its descriptor still is the
/// same open file. Used with the CriticalSection held, except cached_reads().
class DescriptorTable {
public:
    DescriptorTable(engine::Engine& engine, DuplicateTable& duplicates, PinTable& pins,
                    FileLists& lists, AnonymousFiles& anonymous, DirectPath& direct_path) noexcept
        : engine_(engine), duplicates_(duplicates), pins_(pins), lists_(lists),
          anonymous_(anonymous), direct_path_(direct_path) {}
    DescriptorTable(const DescriptorTable&) = delete;
    DescriptorTable& operator=(const DescriptorTable&) = delete;

    /// The file that is open as `fd` now. Null with `error` EBADF when
    /// there is none. Throws std::bad_alloc.
    PerCallDescriptor* find(int fd, int& error);
    /// Files that turned out to be unwatchable after a worker tried: their waits end.
    void end_vain_watches() noexcept;
    /// Of the descriptors that find() has seen. Needs no lock.
    [[nodiscard]] CachedReads& cached_reads() noexcept { return cached_reads_; }
    [[nodiscard]] const CachedReads& cached_reads() const noexcept { return cached_reads_; }

private:
    struct Entry {
        PerCallDescriptor* descriptor = nullptr;
        FileIdentity identity;
    };

    PerCallDescriptor* add(const File& file);

    engine::Engine& engine_;
    DuplicateTable& duplicates_;
    PinTable& pins_;
    FileLists& lists_;
    AnonymousFiles& anonymous_;
    DirectPath& direct_path_;
    std::unordered_map<int, Entry> entries_;
    CachedReads cached_reads_;
};

} // namespace posix
AIOXX_NAMESPACE_END
