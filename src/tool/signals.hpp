// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <array>
#include <csignal>

namespace tool {

/// A write beyond RLIMIT_FSIZE becomes an error instead of a signal.
void fail_beyond_size_limit() noexcept;

/// Holds back the signals that end a program while it lives.
class SignalsBlocked {
public:
    SignalsBlocked();
    ~SignalsBlocked();
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_;
};

/// The name of a temporary file. The signals that end a program take it along, and then end it as
/// they would have without; those that the caller ignores (nohup) stay ignored. Where there is no
/// such name they have no handler: with one they would not end many a call that waits, as for a
/// server that does not answer. One of a list: it stays where it is.
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
