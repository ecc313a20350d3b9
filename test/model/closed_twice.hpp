// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

namespace aioxx::test {

/// How many times close() was called in this program with a number that was no descriptor: what
/// another thread has opened in between would be closed. 0 where a sanitizer has a close() of its
/// own.
unsigned closed_twice() noexcept;

} // namespace aioxx::test
