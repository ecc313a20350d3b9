// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/outstanding.hpp>

#include "queue/record.hpp"

#include <chrono>
#include <optional>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// Where an operation is, by its state, kind and marks. None: its user has been told and it is in
/// no quarantine, or it is the queue's own. Pure. The script libaioxx-gdb.py has the same table.
std::optional<OperationPlace> place_of(engine::State state, engine::Kind kind,
                                       std::uint8_t marks) noexcept;

/// What users call it.
const char* name_of(engine::Kind kind) noexcept;

/// `record` at `now`, on the clock by which it was started. Its place is not filled in.
OutstandingOperation describe(Record& record, std::chrono::nanoseconds now) noexcept;

} // namespace queue
AIOXX_NAMESPACE_END
