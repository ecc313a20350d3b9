// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/probe_report.hpp"

namespace tool {

/// By fractions, and not by times: so it holds on a busy machine as well.
Verdict verdict_of(const AccessReport& measured) noexcept;

/// What the queue asks of a file before it looks at how submits go there.
enum class Storage : std::uint8_t { device, memory, fuse };
Storage storage_of(const aioxx::File& file) noexcept;

/// What the queue would do, with its default options, on a file where the access was so measured.
QueueRoute route_of(const AccessReport& measured, Storage storage) noexcept;

} // namespace tool
