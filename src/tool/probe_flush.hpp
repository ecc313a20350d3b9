// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/probe_file.hpp"

#include <chrono>
#include <optional>

namespace tool {

/// The time, a median, that a flush takes after one block was written through the page cache: a
/// thread that waits for that makes it, as a worker of a queue does, from handing it over until it
/// is known to be done. `file` is a temporary one. Nothing where there is no thread to be had, or
/// where it cannot be flushed. Throws a Failure where it cannot be written.
std::optional<std::chrono::nanoseconds> flush_by_thread(ProbeFile& file);

} // namespace tool
