// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/write_signals.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

namespace aioxx::test {
namespace {

using engine::WriteSignals;

/// All signals are blocked while it exists.
class AllBlocked {
public:
    AllBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~AllBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    AllBlocked(const AllBlocked&) = delete;
    AllBlocked& operator=(const AllBlocked&) = delete;

private:
    sigset_t before_{};
};

sigset_t set_of(int signal) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    return set;
}

bool is_pending(int signal) {
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, signal) == 1;
}

void take(int signal) {
    const sigset_t set = set_of(signal);
    const timespec now{};
    ::sigtimedwait(&set, nullptr, &now);
}

TEST_CASE("the signals of writes are discarded, each for its own error") {
    const AllBlocked blocked;
    sigset_t none;
    ::sigemptyset(&none);
    const WriteSignals signals{none};
    ::raise(SIGPIPE);
    ::raise(SIGXFSZ);
    signals.discard(false, false);
    CHECK(is_pending(SIGPIPE));
    signals.discard(true, false);
    CHECK(!is_pending(SIGPIPE));
    CHECK(is_pending(SIGXFSZ));
    signals.discard(false, true);
    CHECK(!is_pending(SIGXFSZ));
    signals.discard(true, true); // there is none, and it does not wait
}

TEST_CASE("those that have come since are discarded, whatever their writes say") {
    const AllBlocked blocked;
    ::raise(SIGPIPE);
    const WriteSignals signals{set_of(SIGPIPE)};
    signals.discard_new();
    CHECK(is_pending(SIGPIPE)); // from before
    ::raise(SIGXFSZ);
    signals.discard_new();
    CHECK(is_pending(SIGPIPE));
    CHECK(!is_pending(SIGXFSZ));
    take(SIGPIPE);
    const WriteSignals others{set_of(SIGPIPE)};
    ::raise(SIGPIPE);
    others.discard_new();
    CHECK(!is_pending(SIGPIPE));
    others.discard_new(); // there is none, and it does not wait
}

TEST_CASE("a signal that the program blocks, and that was pending before, stays pending") {
    const AllBlocked blocked;
    ::raise(SIGPIPE);
    const WriteSignals signals{set_of(SIGPIPE)};
    ::raise(SIGXFSZ);
    signals.discard(true, true);
    CHECK(is_pending(SIGPIPE));
    CHECK(!is_pending(SIGXFSZ));
    take(SIGPIPE);
}

TEST_CASE("a signal that the program blocks, and that was not pending, is discarded") {
    const AllBlocked blocked;
    const WriteSignals signals{set_of(SIGPIPE)};
    ::raise(SIGPIPE);
    signals.discard(true, false);
    CHECK(!is_pending(SIGPIPE));
}

} // namespace
} // namespace aioxx::test
