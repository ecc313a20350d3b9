// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Threads in aio_suspend, and signals that interrupt them.

#include "posix/answer.hpp"
#include "posix/block.hpp"
#include "posix/wait.hpp"

#include "blocked_in.hpp"

#include <atomic>
#include <csignal>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include <aio.h>
#include <doctest/doctest.h>
#include <pthread.h>

namespace aioxx::test {

inline std::string suspend(std::initializer_list<const aiocb*> entries,
                           const timespec* timeout = nullptr) {
    const std::vector<const aiocb*> list = entries;
    const aiocb* const none[] = {nullptr};
    return answer([&] {
        return ::aio_suspend(list.empty() ? none : list.data(), static_cast<int>(list.size()),
                             timeout);
    });
}

inline std::atomic<int> handled{0};

inline void handle(int flags, int number = SIGUSR1) {
    struct sigaction action {};
    action.sa_handler = [](int) { ++handled; };
    action.sa_flags = flags;
    REQUIRE(::sigaction(number, &action, nullptr) == 0);
}

/// Those of the test program, and of a sanitizer, which are without SA_RESTART.
inline void remove_other_handlers() {
    for (const int number : {SIGINT, SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGTERM, SIGABRT}) {
        ::signal(number, SIG_DFL);
    }
}

/// A thread that is in aio_suspend for `block`.
struct Suspended {
    explicit Suspended(const Block& block, const timespec* timeout = nullptr)
        : thread([this, &block, timeout] {
              tid = thread_id();
              const std::string result = suspend({block}, timeout);
              said = result;
              back = true;
          }) {
        while (tid == 0) {
            pause_briefly();
        }
        asleep = wait_until_asleep(tid);
    }
    ~Suspended() {
        if (thread.joinable()) {
            thread.join();
        }
    }

    /// Sends a signal, and waits until its handler has run.
    void interrupt() {
        const int before = handled;
        CHECK(asleep);
        CHECK(::pthread_kill(thread.native_handle(), SIGUSR1) == 0);
        CHECK(eventually([before] { return handled > before; }));
        asleep = wait_until_asleep(tid);
    }

    std::atomic<pid_t> tid{0};
    std::atomic<bool> back{false};
    bool asleep = false;
    std::string said;
    std::thread thread;
};

} // namespace aioxx::test
