// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/file_systems.hpp"
#include "engine/slots.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// What the worker pool knows of one file system, which all files on it share.
struct FileSystem {
    std::uint64_t device = 0;
    std::size_t files = 0;
    unsigned busy = 0;           // workers that are in a call on it
    std::uint64_t completed = 0; // calls
    bool silent = false;         // it does not answer
    Progress progress;

    [[nodiscard]] bool is_in_use() const noexcept { return busy > 0; }
};

/// How many workers are in calls, and which calls may be begun.
///
/// Slow is what a server answers for, on FUSE or a network, an open, whose path may lead there, and
/// what is on a file system where no call has completed for a second although some are under way,
/// until one does. It never takes the last quarter of the workers, rounded up. Those that it holds
/// beyond, as it answered when they began, are made up for by others.
///
/// Pure: time comes from the caller. The WorkerPool's, under its mutex. Only enter() allocates.
class WorkerShares {
public:
    using Time = FileSystems<FileSystem>::Time;

    /// One that is under way.
    struct Call {
        FileSystem* on = nullptr; // null where it is on a server, or on no file system
        bool on_server = false;
    };

    /// For one more file on `device`. The answer is for its operations. Throws std::bad_alloc.
    FileSystem& enter(std::uint64_t device) { return file_systems_.enter(device); }
    static void leave(FileSystem& file_system) noexcept {
        FileSystems<FileSystem>::leave(file_system);
    }

    [[nodiscard]] static bool is_slow(const Call& call) noexcept {
        return call.on_server || (call.on != nullptr && call.on->silent);
    }
    void begin(const Call& call) noexcept {
        ++busy_;
        slow_ += is_slow(call) ? 1U : 0U;
        if (call.on != nullptr) {
            ++call.on->busy;
        }
    }
    /// One of its operations has completed, and it goes on. True when the file system is not slow
    /// any more.
    bool completed(const Call& call) noexcept {
        if (call.on == nullptr) {
            return false;
        }
        ++call.on->completed;
        if (!call.on->silent) {
            return false;
        }
        call.on->silent = false;
        slow_ -= call.on->busy;
        return true;
    }
    /// Likewise.
    bool end(const Call& call) noexcept {
        const bool answers = completed(call);
        --busy_;
        slow_ -= is_slow(call) ? 1U : 0U;
        if (call.on != nullptr) {
            --call.on->busy;
        }
        return answers;
    }
    // A task, which is neither.
    void begin_task() noexcept { ++busy_; }
    void end_task() noexcept { --busy_; }

    /// Looks which file systems are silent; does nothing until a second after the last look. True
    /// when one has become so.
    bool look(Time now) noexcept {
        bool any = false;
        file_systems_.look(now, [&](FileSystem& each) {
            if (each.progress.is_stuck(each.busy > 0, each.completed) && !each.silent) {
                each.silent = true;
                slow_ += each.busy;
                any = true;
            }
        });
        return any;
    }

    [[nodiscard]] unsigned busy() const noexcept { return busy_; }

    // `workers`: as many as there may be, at least one.

    /// How many calls that are not slow may begin, if none is that is.
    [[nodiscard]] unsigned room(unsigned workers) const noexcept {
        return rest(workers - std::min(slow_, most_slow(workers)), busy_ - slow_);
    }
    /// The other way round.
    [[nodiscard]] unsigned slow_room(unsigned workers) const noexcept {
        return std::min(rest(std::max(most_slow(workers), 1U), slow_), rest(workers, busy_));
    }
    [[nodiscard]] bool may_begin(unsigned workers) const noexcept { return room(workers) > 0; }
    [[nodiscard]] bool may_begin_slow(unsigned workers) const noexcept {
        return slow_room(workers) > 0;
    }
    /// Workers that make up for those which slow calls hold beyond their share. `more`: slow calls
    /// that are about to begin.
    [[nodiscard]] unsigned beyond(unsigned workers, unsigned more) const noexcept {
        const unsigned held = slow_ + more;
        return held - std::min(held, most_slow(workers));
    }

private:
    static unsigned rest(unsigned most, unsigned used) noexcept {
        return most - std::min(most, used);
    }
    static unsigned most_slow(unsigned workers) noexcept {
        return workers - static_cast<unsigned>(last_quarter(workers));
    }

    FileSystems<FileSystem> file_systems_;
    unsigned busy_ = 0; // workers that are in a call or a task
    unsigned slow_ = 0; // of those, in a slow call
};

} // namespace engine
AIOXX_NAMESPACE_END
