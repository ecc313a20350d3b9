// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace bench {
namespace {
volatile std::sig_atomic_t caught = 0;
} // namespace

void catch_interrupts() {
    struct sigaction action {};
    action.sa_handler = [](int signal) { caught = signal; };
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        sigaction(signal, &action, nullptr);
    }
}

void stop_if_interrupted() {
    if (caught != 0) {
        throw Interrupted{caught};
    }
}

} // namespace bench
