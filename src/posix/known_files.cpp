// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/known_files.hpp"

#include <cerrno>

#include <fcntl.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

namespace {

CachedReads::Kind kind_for_reads(const engine::FileState& state) noexcept {
    const bool has_pages = state.kind == FileKind::regular || state.kind == FileKind::block_device;
    if (!has_pages || state.direct || state.stream) {
        return CachedReads::Kind::other;
    }
    return state.in_memory ? CachedReads::Kind::in_memory : CachedReads::Kind::cached;
}

} // namespace

engine::FileState* KnownFiles::find(engine::Engine& engine, int fd, int& error) {
    FileIdentity identity;
    if (!identity.learn(fd) || (identity.flags & O_PATH) != 0) {
        error = EBADF;
        return nullptr;
    }
    Known& known = known_[fd];
    const bool is_new = identity.is_anonymous() && !anonymous_.is_the_same(fd);
    if (known.state != nullptr && known.identity == identity && !is_new) {
        return known.state;
    }
    known.state = nullptr;
    cached_reads_.learn(fd, CachedReads::Kind::other, identity);
    std::error_code failure;
    known.file = File::borrow(fd, failure); // the engine keeps what it needs of the one before
    if (failure) {
        error = failure.value();
        return nullptr;
    }
    engine::FileState& state = engine.state_of(known.file);
    if (state.stream && known.file.is_nonblocking()) {
        // The program wants EAGAIN, not to wait.
        state.stream = false;
        state.in_memory = true;
    }
    known.state = &state;
    known.identity = identity;
    cached_reads_.learn(fd, kind_for_reads(state), identity);
    return &state;
}

} // namespace posix
AIOXX_NAMESPACE_END
