// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/posix_run.hpp"

#include "posix/run_counts.hpp"
#include "tool/failure.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tool {
namespace {

using aioxx::posix::RunCounts;

/// In a file that has no name and is open here: processes find it by /proc, wherever they are and
/// whatever descriptors they have closed. It is gone with this process.
struct SharedCounts {
    SharedCounts() {
        const int fd = ::memfd_create("aioxx-posix-counts", MFD_CLOEXEC);
        if (fd < 0 || ::ftruncate(fd, sizeof(RunCounts)) != 0) {
            throw Failure("--stats", "memory to count in", errno);
        }
        void* const memory =
            ::mmap(nullptr, sizeof(RunCounts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED) {
            throw Failure("--stats", "memory to count in", errno);
        }
        counts = new (memory) RunCounts;
        path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd);
    }

    RunCounts* counts = nullptr;
    std::string path;
};

/// All that may be held back.
sigset_t all_signals() {
    sigset_t all;
    ::sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT}) {
        ::sigdelset(&all, fault);
    }
    return all;
}

/// The program's status when it has ended; -1 while it runs. Stops as it does.
int look_after(pid_t program) {
    int status = 0;
    while (::waitpid(program, &status, WNOHANG | WUNTRACED) == program) {
        if (!WIFSTOPPED(status)) {
            return status;
        }
        ::raise(SIGSTOP);
        ::kill(program, SIGCONT);
    }
    return -1;
}

int await_end(pid_t program, const sigset_t& signals) {
    for (;;) {
        siginfo_t info{};
        const int number = ::sigwaitinfo(&signals, &info);
        if (number == SIGCHLD) {
            if (const int status = look_after(program); status != -1) {
                return status;
            }
        } else if (number > 0 && info.si_code != SI_KERNEL) { // a terminal's went to both
            ::kill(program, number);
        }
    }
}

[[noreturn]] void end_as(int status) {
    if (WIFSIGNALED(status)) {
        const int number = WTERMSIG(status);
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core); // the program has left one, if any
        ::signal(number, SIG_DFL);
        sigset_t opened;
        ::sigemptyset(&opened);
        ::sigaddset(&opened, number);
        ::sigprocmask(SIG_UNBLOCK, &opened, nullptr);
        ::raise(number);
    }
    constexpr int by_signal = 128; // as shells have it
    std::exit(WIFEXITED(status) ? WEXITSTATUS(status) : by_signal + WTERMSIG(status));
}

} // namespace

void run_counted(const std::function<void()>& become_program) {
    const SharedCounts shared;
    ::setenv("AIOXX_POSIX_STATS", shared.path.c_str(), 1);
    const sigset_t signals = all_signals();
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &signals, &before);
    const auto children_before = ::signal(SIGCHLD, SIG_DFL);
    const pid_t self = ::getpid();
    const pid_t program = ::fork();
    if (program < 0) {
        throw Failure("--stats", "fork", errno);
    }
    if (program == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != self) {
            ::_exit(1);
        }
        ::signal(SIGCHLD, children_before);
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        become_program();
        ::_exit(1);
    }
    const int status = await_end(program, signals);
    if (shared.counts->processes() > 0) {
        ::signal(SIGPIPE, SIG_IGN); // the reader may be gone
        print(shared.counts->totals(), shared.counts->processes());
    }
    end_as(status);
}

} // namespace tool
