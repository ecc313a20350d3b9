// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/engine.hpp"

#include <cerrno>

#include <unistd.h>

namespace bench {

/// One request by the call that blocks; the result, or -errno.
inline std::int64_t blocking_call(const Workload& workload, const request& request,
                                  std::size_t slot) noexcept {
    std::byte* const buffer = workload.buffer(slot);
    std::int64_t result = 0;
    if (request.kind == request_read) {
        result = pread(workload.fd, buffer, workload.block_size, request.offset);
    } else if (request.kind == request_write) {
        result = pwrite(workload.fd, buffer, workload.block_size, request.offset);
    } else {
        result = fdatasync(workload.fd);
    }
    return result < 0 ? -errno : result;
}

} // namespace bench
