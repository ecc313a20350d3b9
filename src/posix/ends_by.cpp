// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/ends_by.hpp"

#include "posix/per_call_descriptor.hpp"

AIOXX_NAMESPACE_BEGIN
namespace posix {

using engine::State;

EndsBy ends_by(const Request& request) noexcept {
    const PerCallDescriptor& file = descriptor_of(request);
    switch (request.state()) {
    case State::kernel: // a try with NOWAIT comes back where it would block
        return request.is_try() ? EndsBy::attendant : EndsBy::kernel;
    case State::worker: // a worker only tries a stream
        return file.traits.stream || request.is_try() ? EndsBy::attendant : EndsBy::worker;
    default:
        return file.is_kept_open() ? EndsBy::attendant : EndsBy::nothing;
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
