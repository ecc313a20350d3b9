// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

namespace bench {

/// Thrown where a signal asked for the end, so that everything set up is taken down again.
struct Interrupted {
    int signal;
};

/// From now on SIGINT, SIGTERM and SIGHUP only set a mark.
void catch_interrupts();
/// Throws Interrupted if there is a mark.
void stop_if_interrupted();

} // namespace bench
