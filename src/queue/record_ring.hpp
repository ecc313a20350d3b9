// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// A place in a RecordRing. `newest`: where its file keeps the newest of its records, null for one
/// without a file. A place that is in no ring uses `next` as its owner likes.
struct RecordLink {
    RecordLink* next = nullptr;
    RecordLink* previous = nullptr;
    RecordLink** newest = nullptr;
};

/// The records in use, from the oldest on, but that those of one file are neighbours: so those of
/// one file are found without a look at any other. Owns nothing, allocates nothing; it takes
/// constant time to enter and to leave.
class RecordRing {
public:
    RecordRing() noexcept = default;
    RecordRing(const RecordRing&) = delete;
    RecordRing& operator=(const RecordRing&) = delete;

    [[nodiscard]] bool empty() const noexcept { return ends_.next == &ends_; }
    /// `ends()` when empty.
    [[nodiscard]] RecordLink* first() const noexcept { return ends_.next; }
    /// What is behind the last.
    [[nodiscard]] const RecordLink* ends() const noexcept { return &ends_; }

    /// `newest`: its file's, or null.
    void enter(RecordLink& record, RecordLink** newest) noexcept {
        RecordLink* before = ends_.previous;
        record.newest = newest;
        if (newest != nullptr) {
            before = *newest != nullptr ? *newest : before;
            *newest = &record;
        }
        record.previous = before;
        record.next = before->next;
        before->next->previous = &record;
        before->next = &record;
    }
    /// Out of the ring that it is in.
    static void leave(RecordLink& record) noexcept {
        record.previous->next = record.next;
        record.next->previous = record.previous;
        if (record.newest != nullptr && *record.newest == &record) {
            const bool has_older = record.previous->newest == record.newest;
            *record.newest = has_older ? record.previous : nullptr;
        }
    }
    /// The oldest of those that one file's `newest` is the newest of. Looks at each of them.
    static RecordLink* oldest(RecordLink* newest) noexcept {
        while (newest != nullptr && newest->previous->newest == newest->newest) {
            newest = newest->previous;
        }
        return newest;
    }
    /// The file is gone: its records are without one from here on.
    static void forget_file(RecordLink*& newest) noexcept {
        const RecordLink* const* const of_file = &newest;
        for (RecordLink* record = newest; record != nullptr && record->newest == of_file;
             record = record->previous) {
            record->newest = nullptr;
        }
        newest = nullptr;
    }

private:
    RecordLink ends_{&ends_, &ends_, nullptr};
};

} // namespace queue
AIOXX_NAMESPACE_END
