// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Tells apart open files that have no inode of their own, eventfds, timers and their like: they
/// all show the same one. An epoll descriptor knows what it holds by number and open file.
class AnonymousFiles {
public:
    AnonymousFiles() = default;
    AnonymousFiles(const AnonymousFiles&) = delete;
    AnonymousFiles& operator=(const AnonymousFiles&) = delete;
    ~AnonymousFiles() { close(); }

    /// `own` is the layer's own descriptor. False when it cannot be kept in mind.
    bool open(int own) noexcept;
    /// Whether `own` is open, and still what it was: no other file that has its number is learnt.
    [[nodiscard]] bool has_own() const noexcept { return knows(own_); }
    /// Whether what is open as `fd` is still what it was when this was asked last; true as well for
    /// what epoll does not take, which nothing waits for.
    bool is_the_same(int fd) noexcept;
    void close() noexcept;

private:
    [[nodiscard]] bool knows(int fd) const noexcept;
    bool learn(int fd) noexcept;

    int epoll_ = -1;
    int own_ = -1;
};

} // namespace posix
AIOXX_NAMESPACE_END
