// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <csignal>

namespace tool {

/// Has the signals that end a program take the temporary file along, and then end it as they would
/// have without. Those that the caller ignores (nohup) stay ignored. A write beyond RLIMIT_FSIZE
/// becomes an error instead of a signal.
void clean_up_on_signals();

/// Holds those signals back while it lives.
class SignalsBlocked {
public:
    SignalsBlocked();
    ~SignalsBlocked();
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_;
};

/// What the handler is to unlink; `name` stays where it is, null for nothing. Call it with the
/// signals blocked.
void remove_on_signal(int directory, const char* name) noexcept;

} // namespace tool
