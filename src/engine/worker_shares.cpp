// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/worker_shares.hpp"

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// There are few, and a file is entered once.
FileSystem& WorkerShares::enter(std::uint64_t device) {
    FileSystem* unused = nullptr;
    for (FileSystem& each : file_systems_) {
        if (each.files == 0 && each.busy == 0) {
            unused = &each;
        } else if (each.device == device) {
            ++each.files;
            return each;
        }
    }
    FileSystem& fresh = unused != nullptr ? *unused : file_systems_.emplace_back();
    fresh = {};
    fresh.device = device;
    fresh.files = 1;
    return fresh;
}

bool WorkerShares::look(Time now) noexcept {
    if (now - looked_ < silence) {
        return false;
    }
    looked_ = now;
    bool any = false;
    for (FileSystem& each : file_systems_) {
        if (each.busy > 0 && each.was_busy && each.completed == each.seen && !each.silent) {
            each.silent = true;
            slow_ += each.busy;
            any = true;
        }
        each.seen = each.completed;
        each.was_busy = each.busy > 0;
    }
    return any;
}

} // namespace engine
AIOXX_NAMESPACE_END
