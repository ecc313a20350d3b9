// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The lists of a scheduler, those inside it as well: who has an operation, and that only one does.

#include "private_members.hpp"
#include "scheduler_world.hpp"

namespace aioxx::test {

using engine::Backlog;
using engine::FileOrder;
using engine::Operation;
using engine::OperationList;
using engine::Scheduler;
using engine::State;
using engine::StreamQueue;
using engine::TransferList;

// Beside Reveal, which defines their functions.
struct BacklogOf {
    friend constexpr auto member_of(BacklogOf);
};
struct ReleasedOf {
    friend constexpr auto member_of(ReleasedOf);
};
struct RanksOf {
    friend constexpr auto member_of(RanksOf);
};
struct OccupiedOf {
    friend constexpr auto member_of(OccupiedOf);
};
struct WaitingOf {
    friend constexpr auto member_of(WaitingOf);
};
struct UnderWayOf {
    friend constexpr auto member_of(UnderWayOf);
};
struct FlushesOf {
    friend constexpr auto member_of(FlushesOf);
};
struct AppendsOf {
    friend constexpr auto member_of(AppendsOf);
};

template struct Reveal<BacklogOf, &Scheduler::backlog_>;
template struct Reveal<ReleasedOf, &Scheduler::released_>;
template struct Reveal<RanksOf, &Backlog::lists_>;
template struct Reveal<OccupiedOf, &Backlog::occupied_>;
template struct Reveal<WaitingOf, &StreamQueue::waiting_>;
template struct Reveal<UnderWayOf, &FileOrder::under_way_>;
template struct Reveal<FlushesOf, &FileOrder::flushes_>;
template struct Reveal<AppendsOf, &FileOrder::appends_>;

void World::find_lists() noexcept {
    Scheduler& scheduler = block_.scheduler;
    const auto watch = [this](const OperationList& list, State state, std::uint32_t rank = 0) {
        lists_[list_count_++] = {&list, state, rank};
    };
    watch(scheduler.to_call, State::to_call);
    watch(scheduler.to_submit, State::to_submit);
    watch(scheduler.to_run, State::to_run);
    watch(scheduler.to_watch, State::to_watch);
    watch(scheduler.to_probe, State::to_probe);
    watch(scheduler.done, State::completed);
    const auto& ranks = scheduler.*member_of(BacklogOf{}).*member_of(RanksOf{});
    std::uint32_t used = 0;
    for (const OperationPlan& operation : scenario_.operations) {
        used |= 1U << operation.rank;
    }
    for (std::size_t rank = 0; rank < Backlog::ranks; ++rank) {
        if ((used >> rank & 1U) != 0) {
            watch(ranks[rank], State::backlog, 1U << rank);
        }
    }
    for (std::size_t i = 0; i < scenario_.files.size(); ++i) {
        Record& file = block_.files[i];
        if (file.traits.stream) {
            watch(file.stream(std::size_t{0}).*member_of(WaitingOf{}), State::ordered);
            watch(file.stream(std::size_t{1}).*member_of(WaitingOf{}), State::ordered);
        } else if (file.traits.append) {
            watch(file.order.*member_of(AppendsOf{}), State::ordered);
        }
        watch(file.order.*member_of(FlushesOf{}), State::ordered);
    }
    std::uint32_t directions = 0; // that are used
    for (const OperationPlan& plan : scenario_.operations) {
        const std::size_t direction =
            plan.kind == engine::Kind::write || plan.kind == engine::Kind::writev ? 1 : 0;
        const bool known = (directions >> (2 * plan.file + direction) & 1U) != 0;
        directions |= 1U << (2 * plan.file + direction);
        if (!known) {
            policies_[policy_count_++] = &block_.files[plan.file].policy(direction);
        }
    }
}

// --- Lists and holders ------------------------------------------------------------------------

/// Goes through each list: the links agree, and each operation's state names its list.
const char* World::walk_lists(std::array<std::uint8_t, most_operations>& places) const noexcept {
    places.fill(nowhere);
    std::uint32_t occupied = 0;
    std::size_t size = 0;
    for (std::size_t i = 0; i < list_count_; ++i) {
        const OperationList& list = *lists_[i].list;
        const Operation* previous = nullptr;
        std::uint8_t count = 0;
        for (const Operation* next = list.front(); next != nullptr;
             next = OperationList::next(*next)) {
            const auto& operation = static_cast<const Subject&>(*next);
            if (operation.state() != lists_[i].state) {
                return "an operation is in the list that its state names";
            }
            if (places[operation.index] != nowhere) {
                return "an operation is in one list, and once";
            }
            if (OperationList::previous(*next) != previous ||
                !static_cast<const engine::Link<Operation, 0>&>(*next).linked) {
                return "the links of a list agree";
            }
            places[operation.index] = count++;
            previous = next;
        }
        if (list.back() != previous || list.size() != count) {
            return "a list knows its end and its size";
        }
        if (count > 0 && lists_[i].rank != 0) {
            occupied |= lists_[i].rank;
            size += count;
        }
    }
    const Backlog& backlog = block_.scheduler.*member_of(BacklogOf{});
    if (backlog.*member_of(OccupiedOf{}) != occupied || backlog.size() != size) {
        return "the backlog knows what is in it";
    }
    if (!(block_.scheduler.*member_of(ReleasedOf{})).empty()) {
        return "what may go on has gone on by the end of an event";
    }
    return nullptr;
}

const char* World::check_holders() noexcept {
    if (broken_ != nullptr) {
        return broken_;
    }
    std::array<std::uint8_t, most_operations> places{};
    if (const char* const wrong = walk_lists(places)) {
        return wrong;
    }
    for (const Subject& operation : block_.operations) {
        Part part = Part::none;
        bool listed = false;
        switch (operation.state()) {
        case State::idle:
            break;
        case State::kernel:
            part = Part::kernel;
            break;
        case State::worker:
            part = Part::worker;
            break;
        case State::watched:
            part = Part::readiness;
            break;
        default:
            listed = true;
            break;
        }
        if (operation.part != part) {
            return "a part has exactly the operations that are in its state";
        }
        if ((places[operation.index] != nowhere) != listed) {
            return "an operation that waits is in a list, and one that a part has is in none";
        }
        if (operation.state() == State::completed) {
            if (const char* const wrong = check_result(operation)) {
                return wrong;
            }
        }
    }
    make_digest(places);
    return nullptr;
}

/// The transfers that a flush may have to wait for, in the order of starting.
const char* World::walk_transfers() const noexcept {
    for (std::size_t i = 0; i < scenario_.files.size(); ++i) {
        const TransferList& list = block_.files[i].order.*member_of(UnderWayOf{});
        std::size_t expected = 0;
        for (const Subject& operation : block_.operations) {
            expected += operation.file == &block_.files[i] && is_under_way(operation) &&
                                operation.is_transfer() && holds_flushes(operation)
                            ? 1U
                            : 0U;
        }
        std::size_t count = 0;
        unsigned before = 0;
        for (const Operation* next = list.front(); next != nullptr;
             next = TransferList::next(*next)) {
            const auto& operation = static_cast<const Subject&>(*next);
            if (!is_under_way(operation) || operation.order <= before) {
                return "a file knows its transfers under way, in the order of starting";
            }
            before = operation.order;
            ++count;
        }
        if (count != expected || list.size() != expected) {
            return "a file knows all of its transfers under way";
        }
    }
    return nullptr;
}

} // namespace aioxx::test
