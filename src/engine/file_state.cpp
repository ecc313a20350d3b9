// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/file_state.hpp"

#include "engine/engine.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

/// What the file system or the device has said of itself. What is only assumed may be more than is
/// needed: FUSE needs none.
std::uint32_t known_alignment(const File& file) noexcept {
    const DirectAlignment alignment = file.direct_alignment();
    const bool known =
        alignment.supported() && alignment.source != DirectAlignment::Source::assumed;
    return known ? alignment.offset : 1;
}

/// /dev/null, /dev/zero and their like: no streams, whatever their kind says, and never waited for.
bool is_memory_device(int fd) noexcept {
    constexpr unsigned memory_devices = 1; // the major number
    struct stat status {};
    return ::fstat(fd, &status) == 0 && major(status.st_rdev) == memory_devices;
}

} // namespace

FileState::FileState(Engine& user, const File& file) noexcept
    : FileUse(
          &user,
          [](FileUse& use) noexcept {
              auto& state = static_cast<FileState&>(use);
              state.engine->file_closes(state);
          },
          [](FileUse& use) noexcept { delete &static_cast<FileState&>(use); }),
      engine(&user), fd(file.fd()), kind(file.kind()), alignment(known_alignment(file)),
      stream(file.is_stream()), direct(file.is_direct()), append(file.is_append()),
      synchronous(file.is_synchronous()) {
    on_fuse = file.is_on_fuse();
    if (file.is_in_memory()) {
        in_memory = true;
    } else if (kind == FileKind::character_device && is_memory_device(fd)) {
        in_memory = true;
        stream = false;
    }
    for (Stream& one : streams) {
        one.readiness.kind = Kind::poll;
        one.readiness.internal = true;
        one.readiness.file = this;
    }
    streams[0].readiness.poll_events = POLLIN | POLLRDHUP;
    streams[1].readiness.poll_events = POLLOUT;
    if (file.is_nonblocking()) {
        nonblocking_fd = fd;
        reopen_tried = true;
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
