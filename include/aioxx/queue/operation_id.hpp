// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// Names one started operation, for Queue::cancel. The id of an operation that has ended names
/// nothing, and comes again after 2^32 others at the earliest. A default one names nothing. It is
/// for the queue that has given it: to another one it is a number that means nothing, or, once in a
/// great while, an operation of its own. A value.
///
///     const auto id = queue.read(file, block, 0).start(callback);
///     queue.cancel(id);
struct OperationId {
    std::uint64_t value = 0; ///< Means nothing by itself; 0 names nothing.

    friend bool operator==(OperationId, OperationId) noexcept = default;
};

AIOXX_NAMESPACE_END
