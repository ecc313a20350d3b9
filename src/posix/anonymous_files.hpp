// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Tells apart open files that have no inode of their own: eventfds, timerfds and the like all show
/// the same one. An epoll descriptor knows each file in it by descriptor and open file; it is used
/// for that alone, and never waited on.
class AnonymousFiles {
public:
    AnonymousFiles() = default;
    AnonymousFiles(const AnonymousFiles&) = delete;
    AnonymousFiles& operator=(const AnonymousFiles&) = delete;
    ~AnonymousFiles() { close(); }

    /// `own`: a descriptor of the layer, which is remembered. False when that is not possible.
    bool open(int own) noexcept;
    /// Whether `own` is open and is the file that it was. Only asks: another file on that
    /// descriptor is not remembered.
    [[nodiscard]] bool has_own() const noexcept { return knows(own_); }
    /// Whether the file open as `fd` is the one of the last call, and remembers it. True as well
    /// for files that epoll does not take: no request waits for those.
    bool is_the_same(int fd) noexcept;
    void close() noexcept;

private:
    [[nodiscard]] bool knows(int fd) const noexcept;
    bool remember(int fd) noexcept;

    int epoll_ = -1;
    int own_ = -1;
};

} // namespace posix
AIOXX_NAMESPACE_END
