// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Plain calls into the simulated kernel.
#include "model/simulated_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace aioxx::test {
namespace {

using namespace std::chrono_literals;

// as in kernel/syscall.cpp
constexpr std::uint16_t fsync = 2;
constexpr std::uint16_t fdsync = 3;
constexpr std::uint16_t preadv = 7;
constexpr std::uint16_t pwritev = 8;

/// No other thread lets time pass while the queue's own one does something else, or nothing.
constexpr std::chrono::milliseconds patience{3};

} // namespace

std::int64_t SimulatedKernel::transfer(bool write, int fd, const iovec* parts, std::size_t count,
                                       std::int64_t at, int flags) {
    Pending pending;
    pending.submitted.opcode = write ? pwritev : preadv;
    pending.submitted.fd = static_cast<std::uint32_t>(fd);
    pending.submitted.buffer = reinterpret_cast<std::uintptr_t>(parts);
    pending.submitted.length = count;
    pending.submitted.offset = at;
    pending.submitted.rw_flags = static_cast<std::uint32_t>(flags);
    return make(std::move(pending));
}

std::int64_t SimulatedKernel::flush(bool data_only, int fd) {
    Pending pending;
    pending.submitted.opcode = data_only ? fdsync : fsync;
    pending.submitted.fd = static_cast<std::uint32_t>(fd);
    return make(std::move(pending));
}

std::int64_t SimulatedKernel::make(Pending pending) {
    std::unique_lock lock{mutex_};
    const auto self = std::this_thread::get_id();
    const bool own_thread =
        std::any_of(contexts_.begin(), contexts_.end(),
                    [self](const auto& one) { return one.second.owner == self; });
    PlainCall call;
    pending.call = &call;
    pending.foreign = !own_thread;
    pending.interruptible = true;
    if (const int refused = resolve(pending, own_thread); refused != 0) {
        return -refused;
    }
    const bool stream = pending.file->kind != SimulatedFile::Kind::regular;
    if (!is_flush(pending.submitted) && stream != (pending.submitted.offset < 0)) {
        violation(stream ? "a plain call at an offset, on a stream"
                         : "a plain call at the file's own position");
        return stream ? -ESPIPE : -EINVAL;
    }
    const bool blocks = may_block(pending);
    pending.forgotten = blocks && !stream && random_.percent(behaviour_.forgotten);
    const bool at_once = !blocks || (!pending.forgotten && random_.percent(behaviour_.at_once));
    pending_.push_back(std::move(pending));
    last_change_ = Clock::now();
    if (at_once) {
        complete_ready(pending_.size() - 1);
    }
    if (!call.returned) { // of a pipe one is not ready at once
        own_thread ? wait_on_own_thread(call, lock) : wait_on_worker(call, lock);
    }
    return call.result;
}

/// Time passes inside of the call, as in one that waits for events.
void SimulatedKernel::wait_on_own_thread(const PlainCall& call,
                                         std::unique_lock<std::mutex>& lock) {
    while (!call.returned) {
        if (advance_locked(1) > 0) {
            continue;
        }
        lock.unlock();
        const bool moved = on_stuck_ && on_stuck_();
        lock.lock();
        if (!moved && !call.returned) {
            returned_.wait_for(lock, 1ms);
            check_progress();
        }
    }
}

void SimulatedKernel::wait_on_worker(const PlainCall& call, std::unique_lock<std::mutex>& lock) {
    changed_.notify_all();
    while (!call.returned) {
        if (returned_.wait_for(lock, patience) == std::cv_status::timeout && !call.returned) {
            const std::size_t place = place_of(call);
            if (!pending_[place].forgotten) {
                complete_ready(place);
            }
        }
    }
}

std::size_t SimulatedKernel::place_of(const PlainCall& call) const {
    const auto found = std::find_if(pending_.begin(), pending_.end(),
                                    [&](const Pending& pending) { return pending.call == &call; });
    return static_cast<std::size_t>(found - pending_.begin());
}

/// False when it is not ready to.
bool SimulatedKernel::complete_ready(std::size_t place) {
    return complete(place, readiness()[place]);
}

} // namespace aioxx::test
