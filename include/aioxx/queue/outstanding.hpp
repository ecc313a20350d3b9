// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/engine/request.hpp>
#include <aioxx/kernel/namespace.hpp>
#include <aioxx/queue/operation_id.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN

/// Where an operation is that was started.
enum class OperationPlace : std::uint8_t {
    next_pass,  ///< With the queue's thread, which carries it on when it next runs.
    order,      ///< It waits behind earlier operations on its file.
    backlog,    ///< It waits for room in the context.
    kernel,     ///< It is submitted.
    worker,     ///< A worker makes its call, or is to make it, or submits it.
    readiness,  ///< It waits until its file is ready.
    timer,      ///< It sleeps.
    queue,      ///< It waits for the queue itself, a Condition, a Semaphore or a BufferPool.
    quarantine, ///< It was given up, and the kernel or a worker still has it.
    completed,  ///< It has ended, and its user is told by the next run.
};

/// One operation of Queue::list_outstanding(). A value.
///
///     std::array<aioxx::OutstandingOperation, 64> all;
///     const std::size_t count = queue.list_outstanding(all);
///     for (std::size_t i = 0; i < std::min(count, all.size()); ++i) {
///         std::cerr << all[i].kind_name() << ' ' << all[i].place_name();
///     }
struct AIOXX_API OutstandingOperation {
    using Kind = engine::Kind; ///< What it does.

    OperationId id;                                   ///< For Queue::cancel().
    Kind kind = Kind::none;                           ///< What it does.
    OperationPlace place = OperationPlace::next_pass; ///< Where it is.
    int descriptor = -1;            ///< Of its File. -1: it has none, or that is closed.
    std::int64_t offset = 0;        ///< Of a transfer: bytes from the start of the file.
    std::size_t bytes = 0;          ///< What a transfer was asked for.
    std::size_t done = 0;           ///< Bytes of that which earlier parts have transferred.
    std::chrono::nanoseconds age{}; ///< Since it was started, to within some milliseconds.

    /// A word for people, as "read": it stays, a static string.
    [[nodiscard]] const char* kind_name() const noexcept;
    /// Words for people. They stay.
    [[nodiscard]] const char* place_name() const noexcept;
};

AIOXX_NAMESPACE_END
