// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "descriptors.hpp"
#include "eventually.hpp"
#include "threads.hpp"

#include <csignal>
#include <cstdio>
#include <string>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace aioxx::test {

/// How a child process ended: by exit status, or by signal.
struct ChildEnd {
    int status = -1;
    int signal = 0;
    std::string errors; // what it wrote to stderr
};

/// Waits for `child`; the status is its exit status, or -1 where a signal ended it, or where it is
/// not to be waited for.
inline ChildEnd wait_for_child(pid_t child) {
    int raw = 0;
    pid_t ended = 0;
    do {
        ended = ::waitpid(child, &raw, 0);
    } while (ended < 0 && errno == EINTR);
    ChildEnd end;
    if (ended != child) {
        return end;
    }
    end.status = WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
    end.signal = WIFSIGNALED(raw) ? WTERMSIG(raw) : 0;
    return end;
}

/// Runs `body` in a forked child and waits for its end. What `body` returns is the exit status: 0
/// for good, and otherwise a number that tells which of its checks failed. A child that hangs is
/// ended by SIGALRM, one that dies leaves no core.
template <typename Body>
ChildEnd run_in_child(Body body) {
    Pipe errors;
    std::fflush(nullptr);
#ifdef __SANITIZE_ADDRESS__
    // Its allocator's locks stay in the child as they are, and a thread that is ending has them.
    static_cast<void>(eventually(all_others_sleep));
#endif
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (child == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::alarm(60);
        for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGTERM}) {
            ::signal(number, SIG_DFL); // doctest's handlers would report for the parent
        }
        ::dup2(errors.writer, STDERR_FILENO);
        errors.reader.close();
        errors.writer.close();
        ::_exit(body());
    }
    errors.writer.close();
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const ssize_t length = ::read(errors.reader, part.data(), part.size());
        if (length > 0) {
            text.append(part.data(), static_cast<std::size_t>(length));
        } else if (length == 0 || errno != EINTR) {
            break;
        }
    }
    ChildEnd end = wait_for_child(child);
    end.errors = std::move(text);
    return end;
}

} // namespace aioxx::test
