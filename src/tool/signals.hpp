// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <array>
#include <csignal>

namespace tool {

/// Has the signals that end a program take the temporary files along, and then end it as they would
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

/// A name that the handler is to unlink. One of a list: it stays where it is.
struct NameToRemove {
    int directory = -1;
    std::array<char, 32> name{};
    NameToRemove* before = nullptr;
    NameToRemove* next = nullptr;
};

// Call these with the signals blocked.

void remove_on_signal(NameToRemove& name) noexcept;
void keep_on_signal(NameToRemove& name) noexcept;

} // namespace tool
