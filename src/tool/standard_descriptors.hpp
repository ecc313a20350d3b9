// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

namespace tool {

/// Keeps the numbers 0, 1 and 2 from the files that are opened later, where the caller has closed
/// them: messages would be written into one of those. To read or write them fails with EBADF as
/// before, and in a program that this one becomes they are closed.
void hold_standard_descriptors() noexcept;

} // namespace tool
