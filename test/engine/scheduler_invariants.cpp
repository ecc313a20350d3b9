// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What holds in every state of a scheduler.

#include "scheduler_world.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace aioxx::test {

using engine::RoutePolicy;
using engine::Scheduler;
using engine::State;
using engine::Way;

const char* World::check_result(const Subject& operation) const noexcept {
    if (operation.result < 0) {
        if (operation.done > 0 && !operation.request.exact) {
            return "bytes that were transferred count, unless all or nothing was asked for";
        }
        return (operation.told & bit_of(static_cast<int>(-operation.result))) != 0
                   ? nullptr
                   : "an error is one that was told, and not for the engine itself";
    }
    if (!operation.is_transfer()) {
        return nullptr;
    }
    const std::size_t wanted = scenario_.operations[operation.index].length;
    const auto result = static_cast<std::size_t>(operation.result);
    if (result != operation.done) {
        return "the result is what was transferred";
    }
    if (operation.end_of_file && (!operation.is_read() || result == wanted)) {
        return "the end of a file is what a short read finds";
    }
    return result == wanted || (result < wanted && operation.ends_short)
               ? nullptr
               : "a transfer ends short only where it was told to";
}

// --- The digest -------------------------------------------------------------------------------

/// What may still matter of an operation. Its way has been chosen where it has come to be carried
/// out, and is chosen anew elsewhere; what was told about it was looked at when it completed.
std::uint64_t World::digest_of(const Subject& one, std::uint8_t place) const noexcept {
    std::uint64_t word = static_cast<std::uint64_t>(one.state()) << 3U | (place & 7U);
    if (!is_under_way(one)) {
        return word << 2U;
    }
    const bool has_way = place == nowhere || one.state() == State::to_submit ||
                         one.state() == State::to_run || one.state() == State::to_call ||
                         one.state() == State::to_probe;
    if (has_way) {
        word = word << 3U | static_cast<std::uint64_t>(one.way);
        word = word << 2U | static_cast<std::uint64_t>(one.watch);
        word = word << 2U | (one.in_turn ? 2U : 1U);
    }
    unsigned earlier = 0;
    for (const Subject& other : block_.operations) {
        earlier += is_under_way(other) && other.order < one.order ? 1U : 0U;
    }
    word = word << 3U | earlier;
    word = word << 1U | (one.cancel_requested ? 1U : 0U);
    word = word << 1U | (one.ends_short ? 1U : 0U);
    word = word << 4U | (one.done & 15U);
    word = word << 12U | one.told;
    if (one.state() == State::to_probe) {
        word = word << 4U | (static_cast<std::uint64_t>(one.result) & 15U); // done before
        word = word << 4U | (one.before & 15U);
        word = word << 1U | (one.end_of_file ? 1U : 0U);
    }
    return word << 2U | 1U;
}

void World::make_digest(const std::array<std::uint8_t, most_operations>& places) noexcept {
    constexpr std::size_t policy_words = (sizeof(RoutePolicy) + 7) / 8;
    static_assert(std::is_trivially_copyable_v<RoutePolicy>);
    std::array<std::uint64_t, most_operations + 2 * most_files * policy_words + 1> all{};
    std::uint64_t* next = all.data();
    for (const Subject& one : block_.operations) {
        const std::uint64_t word = one.completed ? 1 : digest_of(one, places[one.index]);
        *next++ = word << 2U | one.times;
    }
    for (std::size_t i = 0; i < policy_count_; ++i) {
        std::memcpy(next, static_cast<const void*>(policies_[i]), sizeof(RoutePolicy));
        next += policy_words;
    }
    std::uint64_t& word = *next++;
    word = block_.slots;
    for (const Record& file : block_.files) {
        word = word << 1U | (file.usable ? 1U : 0U);
        word = word << 1U | (file.nonblocking ? 1U : 0U);
        word = word << 1U | (file.closed ? 1U : 0U);
        word = word << 1U | (file.kept ? 1U : 0U);
        word = word << 1U | (file.polled ? 1U : 0U);
        word = word << 1U | (file.retired ? 1U : 0U);
        word = word << 1U | (file.slots->is_slow() ? 1U : 0U);
    }
    for (const engine::FileRecord* file = block_.scheduler.to_release.front(); file != nullptr;
         file = engine::List<engine::FileRecord>::next(*file)) {
        const auto place = static_cast<const Record*>(file) - block_.files.data();
        word = word << 2U | static_cast<std::uint64_t>(place + 1);
    }
    std::uint64_t hash = 0x9e3779b97f4a7c15U;
    for (const std::uint64_t* part = all.data(); part != next; ++part) {
        hash = (hash ^ *part) * 0xff51afd7ed558ccdU;
        hash ^= hash >> 32U;
    }
    digest_ = hash;
}

// --- States -----------------------------------------------------------------------------------

const char* World::check_state() noexcept {
    for (const char* const wrong : {walk_transfers(), check_order(), check_ways(), check_slots(),
                                    check_waiting(), check_files(), check_cancel()}) {
        if (wrong != nullptr) {
            return wrong;
        }
    }
    return nullptr;
}

/// Whether what has to wait for others waits, and only that.
const char* World::check_order() const noexcept {
    for (const Subject& later : block_.operations) {
        if (is_under_way(later)) {
            if (const char* const wrong = check_order_behind(later)) {
                return wrong;
            }
        }
    }
    return nullptr;
}

const char* World::check_order_behind(const Subject& later) const noexcept {
    bool has_to_wait = false;
    for (const Subject& earlier : block_.operations) {
        if (earlier.file != later.file || !is_under_way(earlier) || earlier.order >= later.order) {
            continue;
        }
        if (later.is_flush()) {
            has_to_wait |=
                later.request.after_writes && earlier.is_transfer() && holds_flushes(earlier);
        } else if (later.is_transfer() && later.file->traits.stream) {
            has_to_wait |= earlier.is_transfer() && earlier.is_write() == later.is_write();
        } else if (appends(later)) {
            has_to_wait |=
                appends(earlier) && !(appends_in_turn(earlier) && appends_in_turn(later));
        }
    }
    const bool waits = later.state() == State::ordered;
    if (has_to_wait && !waits) {
        return "an append, a flush or a transfer on a stream waits for what is before it";
    }
    if (waits && !has_to_wait) {
        return "an operation that has nothing before it goes on";
    }
    return nullptr;
}

/// Whether an operation goes the way that its list or part is for.
const char* World::check_ways() const noexcept {
    for (const Subject& operation : block_.operations) {
        const Way way = operation.way;
        bool fits = true;
        switch (operation.state()) {
        case State::to_submit:
        case State::kernel:
            fits = way == Way::submit || way == Way::submit_nowait;
            break;
        case State::to_call:
            fits = way == Way::call || way == Way::call_nowait ||
                   (way == Way::call_nonblocking && operation.file->nonblocking);
            break;
        case State::to_run:
        case State::worker:
            fits = way == Way::worker || way == Way::worker_nowait || way == Way::worker_submit;
            break;
        default:
            continue;
        }
        if (!fits) {
            return "an operation goes the way that its list or part is for";
        }
        const engine::FileTraits& file = operation.file->traits;
        if (operation.asks_nowait() &&
            (!operation.is_transfer() || (file.direct && !scenario_.options.nowait_always))) {
            return "only transfers are tried, and direct ones where that was asked for";
        }
        if (file.direct && !operation.request.is_vectored() &&
            operation.done % file.alignment != 0) {
            return "a part of a direct transfer begins where its file allows";
        }
        if (file.stream && operation.is_transfer() &&
            operation.file->impossible[operation.is_write() ? 1 : 0] != 0) {
            return "nothing is tried that is known to be impossible";
        }
    }
    return nullptr;
}

const char* World::check_slots() const noexcept {
    const Scheduler& scheduler = block_.scheduler;
    std::size_t used = 0;
    std::size_t used_by_slow = 0;
    for (const Subject& operation : block_.operations) {
        const State state = operation.state();
        used += operation.has_slot() ? 1U : 0U;
        used_by_slow += operation.has_slot() && operation.file->slots->is_slow() ? 1U : 0U;
        const bool submits =
            !operation.is_poll() && (state == State::to_submit || state == State::kernel ||
                                     ((state == State::to_run || state == State::worker) &&
                                      operation.way == Way::worker_submit));
        if (operation.has_slot() != submits) {
            return "a slot is what goes to the kernel has, and nothing else";
        }
    }
    if (scheduler.slots().used() != used) {
        return "as many slots are used as operations have one";
    }
    if (scheduler.slots().used_by_slow() != used_by_slow) {
        return "as many are used by what is slow as such operations have";
    }
    const bool falls_silent =
        std::ranges::any_of(scenario_.files, [](const FilePlan& file) { return file.silent; });
    if (scenario_.slots.size() == 1 && !falls_silent && scheduler.slots().are_short()) {
        return "what is on a server leaves the last quarter of the slots";
    }
    if (scheduler.backlog_size() == 0) {
        return nullptr;
    }
    if (scheduler.slots().available() || scheduler.slots().capacity() == 0) {
        return "nothing waits for a slot that there is";
    }
    return scheduler.slots().are_short() ? "nothing waits for a slot that may never come" : nullptr;
}

/// No operation waits for what cannot come.
const char* World::check_waiting() const noexcept {
    bool waits = false;
    for (const Subject& operation : block_.operations) {
        switch (operation.state()) {
        case State::ordered:
        case State::backlog:
            waits = true;
            break;
        case State::idle:
        case State::completed:
            break;
        default:
            return nullptr; // a part has it, or is about to
        }
    }
    return waits ? "something is under way while anything waits" : nullptr;
}

std::uint32_t World::backlogged() const noexcept {
    std::uint32_t found = 0;
    for (const Subject& operation : block_.operations) {
        found |= operation.state() == State::backlog ? 1U << operation.index : 0U;
    }
    return found;
}

/// Of those that a step has put into the backlog each needs a slot, by what was known then.
void World::check_backlogged(std::uint32_t before) noexcept {
    const std::uint32_t put = backlogged() & ~before;
    for (const Subject& operation : block_.operations) {
        expect((put >> operation.index & 1U) == 0 || !needs_no_slot(operation),
               "only what needs a slot is made to wait for one");
    }
}

bool World::needs_no_slot(const Subject& operation) const noexcept {
    engine::FileRecord& file = *operation.file;
    const engine::Slots& slots = block_.scheduler.slots();
    // The last slot of what is slow may have gone to another that waited, in the same step.
    const bool just_taken = std::ranges::any_of(block_.operations, [](const Subject& other) {
        return other.state() == State::to_submit && other.has_slot() && other.slot->is_slow();
    });
    const bool finds_one = file.slots->is_slow() ? slots.available_to_slow() || just_taken
                                                 : slots.available() || !slots.are_short();
    const RoutePolicy::Question question{
        .write = operation.is_write(),
        .asks_nowait = (operation.request.flags & RwFlags::nowait) != RwFlags::none,
        .appends = appends(operation),
        .nonblocking = file.nonblocking,
        .kernel_aio = slots.capacity() > 0 && finds_one,
        .nowait_always = scenario_.options.nowait_always};
    return !operation.is_transfer() || !RoutePolicy::needs_slot(file.traits, question);
}

const char* World::check_files() const noexcept {
    for (std::size_t i = 0; i < scenario_.files.size(); ++i) {
        const Record& file = block_.files[i];
        std::size_t operations = 0;
        for (const Subject& operation : block_.operations) {
            if (operation.file != &file || !is_under_way(operation)) {
                continue;
            }
            ++operations;
            const State state = operation.state();
            if (!file.usable &&
                (state == State::to_submit || state == State::to_probe ||
                 (state == State::to_call && operation.way != Way::call_nonblocking))) {
                return "the engine's thread uses no number that has expired";
            }
            if (file.traits.stream && operation.is_transfer() && state != State::ordered &&
                operation.request.offset + static_cast<std::int64_t>(operation.done) != 0) {
                return "a transfer on a stream has offset 0";
            }
        }
        if (file.operations != operations) {
            return "a file counts its operations";
        }
        const bool listed = static_cast<const engine::Link<engine::FileRecord, 0>&>(file).linked;
        const bool is_awaited = file.closed && !file.retired && !file.polled;
        if (operations == 0 && (file.kept || is_awaited) && !listed) {
            return "a file that is kept or closed is released with its last operation";
        }
        if (file.retired && (listed || operations > 0)) {
            return "a file that is gone is left alone";
        }
    }
    return nullptr;
}

/// To ask about what a part has changes nothing: it runs on, unless the part gives it back.
const char* World::check_cancel() noexcept {
    for (Subject& operation : block_.operations) {
        Scheduler::Recall expected = Scheduler::Recall::too_late;
        if (operation.part == Part::kernel || operation.part == Part::worker) {
            expected = operation.part == Part::kernel ? Scheduler::Recall::kernel
                                                      : Scheduler::Recall::worker;
            expected = operation.is_poll() ? Scheduler::Recall::readiness : expected;
        } else if (operation.part == Part::readiness) {
            expected = Scheduler::Recall::readiness;
        } else if (operation.state() != State::idle && operation.state() != State::completed) {
            continue;
        }
        if (block_.scheduler.cancel(operation) != expected) {
            return "cancel says which part has an operation, or that it is too late";
        }
    }
    return nullptr;
}

} // namespace aioxx::test
