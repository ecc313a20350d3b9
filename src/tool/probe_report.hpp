// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// What `aioxx probe` finds out.

#include <aioxx/core/limits.hpp>
#include <aioxx/file/file.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tool {

/// A process that has rings of kernel AIO mapped.
struct ContextHolder {
    int process = 0;
    std::string command;
    unsigned contexts = 0;
};

struct ContextHolders {
    std::vector<ContextHolder> seen; // those with the most contexts first
    unsigned unreadable = 0;         // processes whose mappings this user may not see
};

struct IoUringReport {
    bool available = false;
    int error = 0;      // what io_uring_setup failed with; 0 where it never came back
    std::string cause;  // a word: "sysctl", "seccomp", "kernel", "other"
    std::string detail; // a sentence
};

struct SystemReport {
    std::string system;
    std::string release;
    std::string machine;
    std::string version; // of this project
    std::string backend;
    std::optional<aioxx::Limits> limits; // none without /proc
    ContextHolders holders;
    IoUringReport io_uring;
};

struct FileSystemReport {
    std::string type; // "ext4", "fuse.sshfs"; of a block device nothing
    std::string source;
    std::string mount_point;
    std::string options; // the file system's own, "rw,compress=zstd:3"
};

/// What was accepted, or the errno, by name in the order of aioxx::Capabilities.
struct Answer {
    const char* name;
    int error;
};
struct FlagAnswers {
    bool direct = false;
    bool writing = false;
    std::vector<Answer> answers;
};

/// `append`: writes at the file's end by their offsets, without O_APPEND, which is another matter:
/// on XFS (Linux 6.18) several in flight with it go to the same place.
enum class Access : std::uint8_t { read, cached_read, overwrite, append, fill, fsync };

/// What submitting does to the thread.
enum class Verdict : std::uint8_t {
    asynchronous,
    mostly_asynchronous,
    blocks,
    completes_at_once, ///< Without sleep, and there is nothing left to wait for.
};

/// What the queue does with such operations (engine/route_policy.hpp).
enum class QueueRoute : std::uint8_t {
    plain,
    call, ///< A plain call by the queue's thread, as there is nothing to wait for.
    nowait_first,
    worker,
    moved_to_workers, ///< Submitted plainly and measured, which shows that it blocks.
    moved_at_times,   ///< The same, now and then.
};

/// One kind of access: the times are of operations one at a time; whether submit sleeps shows when
/// others are in flight.
struct AccessReport {
    enum class Nowait : std::uint8_t { not_applicable, taken, not_taken };

    Access access = Access::read;
    bool direct = false;
    int error = 0; // the errno that an operation met; nothing below holds then

    unsigned operations = 0;                  // one at a time
    std::chrono::nanoseconds in_submit{};     // median
    std::chrono::nanoseconds to_completion{}; // median, from the start of submit
    unsigned at_once = 0;                     // were complete when submit returned

    unsigned submits = 0; // several in flight
    unsigned slept = 0;   // of those, with a voluntary context switch inside
    long switches = 0;    // and how many of these there were

    Nowait nowait = Nowait::not_applicable;
    unsigned nowait_tries = 0;
    unsigned nowait_refusals = 0; // EAGAIN

    Verdict verdict = Verdict::asynchronous;
    QueueRoute route = QueueRoute::plain;
};

struct ProbeReport {
    std::string path;
    bool on_fuse = false;
    SystemReport system;
    aioxx::FileKind kind = aioxx::FileKind::none;
    std::int64_t size = 0; // of a file or a block device
    FileSystemReport file_system;

    aioxx::DirectAlignment alignment;
    int direct_error = 0; // of setting O_DIRECT

    /// A median: of a flush after one buffered write, by a thread; not where nothing is written.
    std::optional<std::chrono::nanoseconds> flush_by_thread;

    std::string aio_error; // why there is no kernel AIO to be had; nothing below holds then
    std::string aio_cause; // a word: "sysctl", "seccomp", "kernel", "other"
    std::vector<Answer> opcodes;
    std::vector<FlagAnswers> flags;

    bool reads_temporary = false; // the reads were not of the path itself
    std::string no_reads;         // why reads, and why writes, were not measured
    std::string no_writes;
    std::vector<AccessReport> accesses;
};

} // namespace tool
