// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <string>

namespace bench {

/// As uname(2) has it.
std::string kernel();
/// The processor's model, or "unknown".
std::string processor();
unsigned processors() noexcept;

} // namespace bench
