// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include "engine/engine.hpp"
#include "posix/anonymous_files.hpp"

#include <cstdint>
#include <unordered_map>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// What is behind the program's descriptor numbers. Nobody says when one is closed, so each use of
/// a number looks whether it is still the same open file: two system calls.
class KnownFiles {
public:
    /// What the engine knows of the file that is open as `fd` now; null with `error` EBADF when
    /// none is. Throws std::bad_alloc.
    engine::FileState* find(engine::Engine& engine, int fd, int& error);
    /// In a forked child. Nothing else may be called.
    void close_inherited_descriptors() noexcept { anonymous_.close(); }

private:
    /// What tells one open file from another that has its number later.
    struct Identity {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        int flags = 0;
        unsigned type = 0; // S_IFMT

        bool operator==(const Identity&) const = default;
        /// False when nothing is open as `fd`.
        bool learn(int fd) noexcept;
        [[nodiscard]] bool is_anonymous() const noexcept { return type == 0; }
    };
    struct Known {
        File file; // borrowed
        engine::FileState* state = nullptr;
        Identity identity;
    };
    std::unordered_map<int, Known> known_;
    AnonymousFiles anonymous_;
};

} // namespace posix
AIOXX_NAMESPACE_END
