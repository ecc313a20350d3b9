// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include "engine/engine.hpp"

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

private:
    /// What tells one open file from another that has its number later.
    struct Identity {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        int flags = 0;

        bool operator==(const Identity&) const = default;
        /// False when nothing is open as `fd`.
        bool learn(int fd) noexcept;
    };
    struct Known {
        File file; // borrowed
        engine::FileState* state = nullptr;
        Identity identity;
    };
    std::unordered_map<int, Known> known_;
};

} // namespace posix
AIOXX_NAMESPACE_END
