// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/file_record.hpp"
#include "engine/operation.hpp"

#include <csignal>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Keeps SIGPIPE and SIGXFSZ away from the program. A write into a pipe without a reader, or beyond
/// RLIMIT_FSIZE, sends the signal to the thread that makes the write. That may be the program's
/// own, inside a call of the library, also when that only looks for completions. To be made while
/// the two are blocked, before the first write, and used before they are unblocked.
class WriteSignals {
public:
    /// `before`: the signals that the program blocks. One of the two that it blocks and that is
    /// pending already is the program's own, and stays pending.
    explicit WriteSignals(const sigset_t& before) noexcept;
    /// Takes back the signals of writes that ended with EPIPE (`pipe`) or EFBIG (`size`).
    void discard(bool pipe, bool size) const noexcept;
    /// The same where it is not known yet how the writes have ended: of both that are pending now.
    void discard_new() const noexcept;

private:
    void discard_one(int signal) const noexcept;

    sigset_t pending_;
};

/// Blocks the two for as long as it exists, and takes back those that came.
class NoWriteSignals {
public:
    NoWriteSignals() noexcept : before_(block()), signals_(before_) {}
    ~NoWriteSignals();
    NoWriteSignals(const NoWriteSignals&) = delete;
    NoWriteSignals& operator=(const NoWriteSignals&) = delete;

private:
    static sigset_t block() noexcept;

    const sigset_t before_;
    const WriteSignals signals_;
};

/// Whether the thread that makes the next part of `operation` may be sent one of the two.
inline bool may_send_signal(const Operation& operation) noexcept {
    const FileTraits& file = operation.file->traits;
    if (file.size_limit == FileTraits::no_limit) [[likely]] {
        return false;
    }
    if (!operation.is_write()) {
        return operation.is_resize();
    }
    const std::uint64_t at = static_cast<std::uint64_t>(operation.request.offset) + operation.done;
    return at >= file.size_limit || file.append ||
           (operation.request.flags & RwFlags::append) != RwFlags::none;
}

} // namespace engine
AIOXX_NAMESPACE_END
