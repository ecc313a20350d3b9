// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include "engine/engine.hpp"
#include "posix/anonymous_files.hpp"
#include "posix/cached_reads.hpp"
#include "posix/file_identity.hpp"

#include <unordered_map>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// What is behind the program's descriptor numbers. Nobody says when one is closed, so each use of
/// a number looks whether it is still the same open file: two system calls.
class KnownFiles {
public:
    explicit KnownFiles(AnonymousFiles& anonymous) noexcept : anonymous_(anonymous) {}

    /// What the engine knows of the file that is open as `fd` now; null with `error` EBADF when
    /// none is. Throws std::bad_alloc.
    engine::FileState* find(engine::Engine& engine, int fd, int& error);
    /// Of the numbers that find() was asked for. Needs no lock.
    [[nodiscard]] CachedReads& cached_reads() noexcept { return cached_reads_; }
    [[nodiscard]] const CachedReads& cached_reads() const noexcept { return cached_reads_; }

private:
    struct Known {
        File file; // borrowed
        engine::FileState* state = nullptr;
        FileIdentity identity;
    };
    std::unordered_map<int, Known> known_;
    AnonymousFiles& anonymous_;
    CachedReads cached_reads_;
};

} // namespace posix
AIOXX_NAMESPACE_END
