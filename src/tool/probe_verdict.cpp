// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_verdict.hpp"

namespace tool {
namespace {

/// Whether `part` is more than one in `share` of `whole`.
bool is_part(unsigned part, unsigned whole, unsigned share) noexcept {
    return share * part > whole;
}

/// One in ten may be an accident: a lock that another thread held.
bool sleeps_at_times(const AccessReport& measured) noexcept {
    return is_part(measured.slept, measured.submits, 10);
}

/// Whether a submit waits for the transfer. It does where most put the thread to sleep. Of what
/// goes past the page cache and is complete on return, some are enough: those that did not sleep
/// were waited for as well, but the device was done before the thread came to that.
bool waits_in_submit(const AccessReport& measured) noexcept {
    const bool done_by_device =
        measured.direct && is_part(measured.at_once, measured.operations, 2);
    return is_part(measured.slept, measured.submits, 2) ||
           (done_by_device && sleeps_at_times(measured));
}

} // namespace

Verdict verdict_of(const AccessReport& measured) noexcept {
    const bool at_once = is_part(measured.at_once, measured.operations, 2);
    // A fast device answers before the thread gets to sleep; a read that may not wait for it is
    // refused all the same. (A write may be refused for less: for allocating a block.)
    const bool waited = at_once && measured.access == Access::read &&
                        is_part(measured.nowait_refusals, measured.nowait_tries, 2);
    if (waited || waits_in_submit(measured)) {
        return Verdict::blocks;
    }
    if (at_once) {
        return Verdict::completes_at_once;
    }
    return sleeps_at_times(measured) ? Verdict::mostly_asynchronous : Verdict::asynchronous;
}

Storage storage_of(const aioxx::File& file) noexcept {
    return file.is_in_memory() ? Storage::memory
           : file.is_on_fuse() ? Storage::fuse
                               : Storage::device;
}

QueueRoute route_of(const AccessReport& measured, Storage storage) noexcept {
    if (measured.access == Access::fsync) {
        return QueueRoute::worker;
    }
    if (storage == Storage::memory) {
        return QueueRoute::call;
    }
    if (storage == Storage::fuse) { // it may be slow to answer anything
        return QueueRoute::worker;
    }
    if (!measured.direct) {
        return measured.nowait == AccessReport::Nowait::taken ? QueueRoute::nowait_first
                                                              : QueueRoute::worker;
    }
    if (waits_in_submit(measured)) {
        return QueueRoute::moved_to_workers;
    }
    return sleeps_at_times(measured) ? QueueRoute::moved_at_times : QueueRoute::plain;
}

} // namespace tool
