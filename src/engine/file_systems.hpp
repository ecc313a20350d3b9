// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Whether something gets on, by what was seen at the last look.
struct Progress {
    std::uint64_t seen = 0;
    bool was_busy = false;

    /// True when it has been busy since the last look, and has completed nothing.
    bool is_stuck(bool busy, std::uint64_t completed) noexcept {
        const bool stuck = busy && was_busy && completed == seen;
        seen = completed;
        was_busy = busy;
        return stuck;
    }
};

/// A record for each file system that files are on, by its device. Pure; only enter() allocates.
///
/// `Record` has `device`, `files`, and is_in_use(): whether anything but a file refers to it. One
/// that nothing refers to is used again. A record stays where it is.
template <typename Record>
class FileSystems {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds silence{1};

    /// For one more file on `device`. Throws std::bad_alloc. There are few file systems, and a file
    /// is entered once.
    Record& enter(std::uint64_t device) {
        Record* unused = nullptr;
        for (Record& each : records_) {
            if (each.files == 0 && !each.is_in_use()) {
                unused = &each;
            } else if (each.device == device) {
                ++each.files;
                return each;
            }
        }
        Record& fresh = unused != nullptr ? *unused : records_.emplace_back();
        fresh = Record{};
        fresh.device = device;
        fresh.files = 1;
        return fresh;
    }
    static void leave(Record& record) noexcept { --record.files; }

    /// Calls `look` for each, but not within a second of the last time.
    template <typename Look>
    void look(Time now, Look look) noexcept {
        if (now - looked_ < silence) {
            return;
        }
        looked_ = now;
        for (Record& each : records_) {
            look(each);
        }
    }

private:
    std::list<Record> records_;
    Time looked_{};
};

} // namespace engine
AIOXX_NAMESPACE_END
