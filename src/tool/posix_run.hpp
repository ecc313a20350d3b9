// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <functional>

namespace tool {

/// Runs `become_program`, which becomes the program or throws, in a child, counts the requests of
/// all processes of the run, and prints the counts on standard error when the program has ended.
/// Ends as the program does: by its status, or its signal. Signals that are sent to this process
/// meanwhile go to the program; it stops and goes on with it, and if it is killed, so is the
/// program. A Failure of `become_program` passes in the child.
[[noreturn]] void run_counted(const std::function<void()>& become_program);

} // namespace tool
