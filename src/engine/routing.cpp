// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The way in: by which route an operation enters the kernel, and whether there is room.

#include "engine/engine.hpp"

#include <algorithm>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

constexpr std::uint8_t misses_until_skipped = 4;
constexpr std::uint16_t most_skips = 64;
/// Submits between two that are watched, which costs two system calls more, about 0.2 us. Writes
/// are watched more often: there are more ways in which they come to block, and some come in bursts
/// (XFS, while the ends of earlier writes are entered in the inode).
struct Spacing {
    std::uint16_t fewest;
    std::uint16_t most;
};
constexpr Spacing spacing_of_reads{64, 1024};
constexpr Spacing spacing_of_writes{4, 4};
constexpr std::uint16_t long_clean = 4096;
constexpr std::uint8_t blocks_until_offloaded = 2;
constexpr std::uint16_t watched_after_one = 8;
constexpr std::uint16_t trials_after_blocking = 16;
constexpr std::uint16_t first_penalty = 64;
constexpr std::uint16_t most_penalty = 4096;

bool asks_for_nowait(const Operation& operation) noexcept {
    return (operation.flags & RwFlags::nowait) != RwFlags::none;
}

/// Whether it holds the inode's lock from the beginning to the end, as writes into the page cache
/// do. What has to reach the disk as well waits for that without the lock.
bool waits_for_inode(const Operation& operation) noexcept {
    const FileState& file = *operation.file;
    constexpr RwFlags to_disk = RwFlags::sync | RwFlags::dsync;
    return operation.is_write() && operation.route == Route::helper &&
           file.kind == FileKind::regular && !file.direct && !file.synchronous &&
           (operation.flags & to_disk) == RwFlags::none;
}

} // namespace

Route Engine::choose_route(Operation& operation) noexcept {
    FileState& file = *operation.file;
    if (!operation.is_transfer() || asks_for_nowait(operation)) {
        return Route::plain; // never blocks: polls and flushes are asynchronous
    }
    Direction& direction = file.direction(operation);
    if (direction.by_call) [[unlikely]] {
        return Route::call;
    }
    const bool refused = direction.nowait == Direction::Nowait::refused;
    if (file.stream) {
        const Route without = file.nonblocking_fd >= 0 ? Route::nonblocking : Route::helper;
        return refused ? without : Route::nowait;
    }
    if (file.in_memory) {
        return Route::plain;
    }
    if (file.appending == &operation) {
        return Route::helper; // an extending write completes inside the call
    }
    if (file.on_fuse && operation.is_write()) {
        return Route::helper; // security.capability is asked for first, and the answer awaited
    }
    if (file.direct && !(options_.nowait_always && !refused)) {
        return choose_direct_route(operation);
    }
    if (refused) {
        return Route::helper;
    }
    if (direction.skips > 0) {
        --direction.skips;
        return Route::helper;
    }
    return Route::nowait;
}

/// Direct I/O is asynchronous on most files, and which are the others shows only when a submit
/// blocks. So the first of each file are watched one by one, then one in a while; at uneven
/// distances, because submits can block in a rhythm (btrfs: every second write), and would be met
/// off the beat for ever.
Route Engine::choose_direct_route(Operation& operation) noexcept {
    Direction& direction = operation.file->direction(operation);
    if (direction.offloaded > 0) {
        --direction.offloaded;
        return Route::helper;
    }
    if (direction.watched > 0) {
        --direction.watched;
        operation.watch = SubmitWatch::alone;
    } else if (direction.unwatched > 0) {
        --direction.unwatched;
    } else {
        chance_ = chance_ * 1664525U + 1013904223U; // Numerical Recipes' generator
        const auto [fewest, most] = operation.is_write() ? spacing_of_writes : spacing_of_reads;
        const std::uint16_t interval = std::clamp(direction.clean, fewest, most);
        direction.unwatched = static_cast<std::uint16_t>(interval / 2 + (chance_ >> 16) % interval);
        direction.clean = std::min<std::uint16_t>(
            static_cast<std::uint16_t>(direction.clean + interval), long_clean);
        if (direction.clean == long_clean) {
            direction.penalty = first_penalty;
        }
        operation.watch = SubmitWatch::together;
    }
    return Route::plain;
}

/// One may be an accident, a lock that somebody held. The next ones will tell.
void Engine::suspect(const Operation& operation) noexcept {
    Direction& direction = operation.file->direction(operation);
    direction.watched = std::max(direction.watched, watched_after_one);
    direction.clean = 0;
}

void Engine::learn_from_submit(const Operation& operation, bool blocked) noexcept {
    Direction& direction = operation.file->direction(operation);
    if (!blocked) {
        // Trusted again when all of those that are watched have passed.
        direction.blocked = direction.watched > 0 ? direction.blocked : std::uint8_t{0};
        return;
    }
    suspect(operation);
    if (++direction.blocked >= blocks_until_offloaded) {
        direction.offloaded = direction.penalty;
        direction.penalty = std::min<std::uint16_t>(
            static_cast<std::uint16_t>(direction.penalty * 2), most_penalty);
        direction.blocked = blocks_until_offloaded - 1; // afterwards a single one is enough
        direction.watched = trials_after_blocking;      // some of them may pass by luck
    }
}

void Engine::count_miss(Direction& direction) noexcept {
    if (direction.misses < 255) {
        ++direction.misses;
    }
    if (direction.misses >= misses_until_skipped) {
        const unsigned doubled = 4U << std::min(direction.misses - misses_until_skipped, 4);
        direction.skips = std::min<std::uint16_t>(static_cast<std::uint16_t>(doubled), most_skips);
    }
}

void Engine::dispatch(Operation& operation) noexcept {
    if (operation.kind == Kind::poll) {
        place_poll(operation);
    } else if (used_ >= depth_ || !backlog_.empty()) {
        operation.state = State::backlog;
        ++operation.file->parked;
        ++statistics_.backlogged;
        backlog_.insert(operation, [](const Operation& one, const Operation& other) {
            return one.rank < other.rank;
        });
    } else {
        place(operation);
    }
}

/// There is room in the context.
void Engine::place(Operation& operation) noexcept {
    ++used_;
    operation.watch = SubmitWatch::none;
    operation.route = choose_route(operation);
    statistics_.nowait_tries += operation.route == Route::nowait ? 1 : 0;
    const bool by_helper = operation.route == Route::helper || operation.route == Route::call;
    const FileState& file = *operation.file;
    const bool own_number =
        operation.route == Route::nonblocking && file.nonblocking_fd != file.fd; // reopened
    if (by_helper || !(own_number || may_use_number(file))) {
        hand_over(operation);
    } else {
        batch(operation);
    }
}

void Engine::batch(Operation& operation) noexcept {
    FileState& file = *operation.file;
    const bool reopened = operation.route == Route::nonblocking;
    operation.prepare(reopened ? file.nonblocking_fd : file.fd, event_fd());
    operation.state = State::batched;
    batch_.push_back(&operation.iocb); // reserved: there are never more than slots
}

void Engine::hand_over(Operation& operation) noexcept {
    operation.in_turn = waits_for_inode(operation);
    if (operation.in_turn && options_.numbers_expire && lend(operation)) {
        ++helper_jobs_;
        ++statistics_.offloaded;
        return;
    }
    if (!may_be_helped(*operation.file) || !helpers_->running() || !ensure_pin(*operation.file)) {
        operation.state = State::unhanded; // flush() sees to it, where threads may be started
        unhanded_.push_back(operation);
        return;
    }
    FileState& file = *operation.file;
    Helpers::hold(*file.pin);
    operation.pin = file.pin;
    operation.prepare(-1, event_fd()); // the helper puts its own number in
    ++helper_jobs_;
    ++statistics_.offloaded;
    helpers_->hand_over(operation);
}

/// A write into the page cache, whose number is going to expire: the file goes with it. Made by
/// pwritev2, since the file is to be closed before it is told to be done.
bool Engine::lend(Operation& operation) noexcept {
    FileState& file = *operation.file;
    if (file.pin != nullptr || options_.helpers.limit == 0) {
        return false;
    }
    const Route route = std::exchange(operation.route, Route::call);
    if (helpers_->lend(file.loan, may_use_number(file) ? file.fd : -1, operation)) {
        operation.lent = true;
        ++file.lent;
        ++lent_;
        return true;
    }
    operation.route = route;
    return false;
}

void Engine::arm_internal(Operation& poll, int fd) noexcept {
    poll.prepare(fd, event_fd());
    poll.state = State::batched;
    batch_.push_back(&poll.iocb);
}

void Engine::pump_backlog() noexcept {
    while (used_ < depth_ && !backlog_.empty()) {
        Operation& operation = *backlog_.pop_front();
        --operation.file->parked;
        place(operation);
    }
    while (polls_ < poll_slots_ && !late_polls_.empty()) {
        Operation& operation = *late_polls_.pop_front();
        --operation.file->parked;
        place_poll(operation);
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
