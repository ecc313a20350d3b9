// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Runs the built command, plainly or stopped at each of its system calls, and tells how it ended.

#include "descriptors.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/syscall.h>
#include <sys/types.h>

namespace aioxx::test {

// The numbers that the C library uses, with 64-bit offsets on 32-bit machines.
#ifdef SYS_fcntl64
inline constexpr long call_fcntl = SYS_fcntl64;
#else
inline constexpr long call_fcntl = SYS_fcntl;
#endif
#ifdef SYS_ftruncate64
inline constexpr long call_ftruncate = SYS_ftruncate64;
#else
inline constexpr long call_ftruncate = SYS_ftruncate;
#endif
#ifdef SYS_fchown32
inline constexpr long call_fchown = SYS_fchown32;
#else
inline constexpr long call_fchown = SYS_fchown;
#endif
// Of 32 bits as well, for times that these can hold.
inline constexpr long call_utimensat = SYS_utimensat;

/// How the command ended, and what it printed.
struct Outcome {
    int status = -1; // -1 where a signal ended it
    int signal = 0;
    std::string out;
    std::string errors;

    /// One line on standard error, with each of `parts` in it.
    [[nodiscard]] bool is_one_line_with(const std::vector<std::string>& parts) const;
};

/// A system call that the command is about to make, while it stands still.
struct Stop {
    pid_t pid = 0;
    long number = 0;
    std::array<std::uint64_t, 6> arguments{};
    unsigned index = 0; // counted from 0, since exec
};

enum class Then : std::uint8_t { go_on, let_go };

struct Tool {
    std::vector<std::string> arguments;
    /// Runs in the child before exec: limits, filters, capabilities.
    std::function<void()> before_exec = [] {};
    /// Where standard error goes instead of into Outcome::errors; -1 for that.
    int error_descriptor = -1;
    /// What runs; empty for the command as it was built.
    std::string program{};

    /// The command as it was built.
    static const char* built();

    [[nodiscard]] Outcome run() const;
    /// Stops at the entry of every system call and asks `visit` what to do.
    [[nodiscard]] Outcome trace(const std::function<Then(const Stop&)>& visit) const;

private:
    [[nodiscard]] pid_t spawn(int out, int errors, bool traced) const;
};

/// `aioxx copy ARGUMENTS...`
Outcome copy(std::vector<std::string> arguments);

/// Pages of the file that are in the page cache.
std::size_t cached_pages(const std::string& path);
/// Whether a copy of `path` in its directory goes past the page cache.
bool takes_direct_io(const std::string& path);

// For Tool::before_exec.

/// System call `number` fails with `error`. With `mask`, only where argument `argument` has all
/// those bits.
void refuse_call(long number, int error, unsigned argument = 0, std::uint32_t mask = 0);
/// No O_TMPFILE, as on a file system without.
void refuse_nameless_files();
/// No thread but the first, as at the limit on processes.
void refuse_threads();
/// Permissions hold for root as well.
void obey_permissions();

} // namespace aioxx::test
