// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_system.hpp"

#include "tool/probe_words.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <system_error>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tool {
namespace {

#ifdef SYS_io_uring_setup
constexpr long call_io_uring_setup = SYS_io_uring_setup;
#else
constexpr long call_io_uring_setup = 425; // the same on every architecture but Alpha
#endif
constexpr const char* switch_path = "/proc/sys/kernel/io_uring_disabled";

/// -1 where the kernel has no such file (before Linux 6.6).
int number_in(const char* path) {
    int number = -1;
    std::ifstream file{path};
    return file >> number ? number : -1;
}

bool is_filtered() {
    std::ifstream status{"/proc/self/status"};
    std::string word;
    while (status >> word) {
        int mode = 0;
        if (word == "Seccomp:" && status >> mode) {
            return mode == 2;
        }
    }
    return false;
}

/// What io_uring_setup fails with, 0 for nothing; a signal that it ends the process by, as a
/// negative number.
int result_of_trial() {
    const pid_t child = ::fork();
    if (child < 0) {
        return errno;
    }
    if (child == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        char parameters[256] = {}; // struct io_uring_params has 120 bytes
        const long fd = ::syscall(call_io_uring_setup, 1U, parameters);
        ::_exit(fd >= 0 ? 0 : errno);
    }
    int raw = 0;
    while (::waitpid(child, &raw, 0) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
}

IoUringReport refusal(const char* cause, std::string detail) {
    IoUringReport report;
    report.cause = cause;
    report.detail = std::move(detail);
    return report;
}

IoUringReport explain(int error) {
    const int disabled = number_in(switch_path);
    const bool filtered = is_filtered();
    if (error == -SIGSYS) {
        return refusal("seccomp", "a seccomp filter ends programs that try");
    }
    if (error == EPERM && disabled == 2) {
        return refusal("sysctl", "kernel.io_uring_disabled = 2");
    }
    if (error == EPERM && disabled == 1 && ::geteuid() != 0) {
        const int group = number_in("/proc/sys/kernel/io_uring_group");
        return refusal("sysctl", "kernel.io_uring_disabled = 1, and this user is not of the group "
                                 "in kernel.io_uring_group (" +
                                     std::to_string(group) + ")");
    }
    // A kernel that has the switch has io_uring, so ENOSYS comes from elsewhere.
    if (filtered && (error == EPERM || error == EACCES || (error == ENOSYS && disabled >= 0))) {
        return refusal("seccomp", "a seccomp filter refuses it (" + name_of_error(error) + ")");
    }
    if (error == ENOSYS) {
        return refusal("kernel", filtered ? "the kernel is without it, or a seccomp filter says so"
                                          : "the kernel is without it");
    }
    if (error == EPERM && disabled == 1) {
        return refusal("sysctl", "kernel.io_uring_disabled = 1, without CAP_SYS_ADMIN");
    }
    return refusal("other", error < 0 ? "ended by signal " + std::to_string(-error)
                                      : std::generic_category().message(error));
}

} // namespace

IoUringReport try_io_uring() {
    const int error = result_of_trial();
    IoUringReport report;
    if (error != 0) {
        report = explain(error);
    }
    report.available = error == 0;
    report.error = error > 0 ? error : 0;
    return report;
}

} // namespace tool
