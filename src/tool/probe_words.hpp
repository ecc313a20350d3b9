// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Names that the text and the JSON of a probe share.

#include "tool/probe_report.hpp"

namespace tool {

/// "EINVAL", or "error 999"
std::string name_of_error(int error);
const char* name_of(Access access) noexcept;
const char* name_of(Verdict verdict) noexcept;
const char* name_of(aioxx::FileKind kind) noexcept;
const char* name_of(aioxx::DirectAlignment::Source source) noexcept;

/// 0 to 1000; 0 of nothing.
unsigned in_thousand(unsigned part, unsigned whole) noexcept;
double microseconds(std::chrono::nanoseconds time) noexcept;

/// "direct read"; "buffered read, uncached"
[[nodiscard]] std::string label_of(const AccessReport& measured);

/// The labels of those whose submits block.
[[nodiscard]] std::vector<std::string> blocking_accesses(const ProbeReport& report);

/// What a flush after a buffered write takes by kernel AIO, if that was measured.
[[nodiscard]] std::optional<std::chrono::nanoseconds> flush_by_kernel(const ProbeReport& report);

} // namespace tool
