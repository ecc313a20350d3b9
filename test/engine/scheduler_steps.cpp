// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What may happen in a state: what the parts around a scheduler may answer, by what they do.

#include "scheduler_world.hpp"

#include <cassert>
#include <cerrno>

namespace aioxx::test {

using engine::Operation;
using engine::State;
using engine::SubmitWatch;
using engine::Way;

/// Steps as they are found; those that are faults only while the path may have one more.
class StepList {
public:
    StepList(const World& world, std::array<Step, most_steps>& found) noexcept
        : world_(world), found_(found) {}

    void add(Event event, std::size_t subject, int value = 0) noexcept {
        put({event, static_cast<std::uint8_t>(subject), false, static_cast<std::int16_t>(value)});
    }
    void fault(Event event, std::size_t subject, int value = 0) noexcept {
        if (world_.block_.faults > 0) {
            put({event, static_cast<std::uint8_t>(subject), true,
                 static_cast<std::int16_t>(value)});
        }
    }

    void plain_course() noexcept;
    void other_answers() noexcept;
    void on_files() noexcept;
    void cancels() noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    void put(const Step& step) noexcept {
        assert(size_ < most_steps);
        found_[size_++] = step;
    }
    [[nodiscard]] const Record& file_of(const Operation& operation) const noexcept {
        return static_cast<const Record&>(*operation.file);
    }
    static std::size_t index(const Operation& operation) noexcept {
        return static_cast<const Subject&>(operation).index;
    }
    void starts() noexcept;
    void front_of_to_submit(const Subject& operation) noexcept;
    [[nodiscard]] bool has_room_for(const Subject& operation) const noexcept;
    void front_of_to_run(const Subject& operation) noexcept;
    void front_of_to_watch(const Subject& operation) noexcept;
    void poll(const Subject& operation) noexcept;
    void results(const Subject& operation, bool fault) noexcept;
    void full_result(const Subject& operation, bool fault) noexcept;

    const World& world_;
    std::array<Step, most_steps>& found_;
    std::size_t size_ = 0;
};

std::size_t World::steps(std::array<Step, most_steps>& found) const noexcept {
    StepList list{*this, found};
    list.plain_course();
    list.on_files();
    list.other_answers();
    list.cancels();
    return list.size();
}

/// Steps that lead to the end of everything when the first of them is taken, again and again.
void StepList::plain_course() noexcept {
    const engine::Scheduler& scheduler = world_.block_.scheduler;
    if (const Operation* const next = scheduler.done.front()) {
        add(Event::take, index(*next));
    }
    if (const engine::FileRecord* const file = scheduler.to_release.front()) {
        add(Event::release, static_cast<std::size_t>(static_cast<const Record*>(file) -
                                                     world_.block_.files.data()));
    }
    if (const Operation* const next = scheduler.to_probe.front()) {
        add(Event::probed, index(*next), 0);
        add(Event::probed, index(*next), 1);
    }
    if (const Operation* const next = scheduler.to_call.front()) {
        results(static_cast<const Subject&>(*next), false);
    }
    if (const Operation* const next = scheduler.to_watch.front()) {
        front_of_to_watch(static_cast<const Subject&>(*next));
    }
    if (const Operation* const next = scheduler.to_run.front()) {
        front_of_to_run(static_cast<const Subject&>(*next));
    }
    if (const Operation* const next = scheduler.to_submit.front()) {
        front_of_to_submit(static_cast<const Subject&>(*next));
    }
    for (const Subject& operation : world_.block_.operations) {
        if (operation.part == Part::none) {
            continue;
        }
        if (operation.is_poll()) {
            poll(operation);
        } else if (operation.part == Part::readiness) {
            add(Event::ready, operation.index, POLLIN);
            fault(Event::unwatchable, operation.index, EPERM);
        } else {
            full_result(operation, false);
        }
    }
    starts();
}

void StepList::starts() noexcept {
    for (std::size_t i = 0; i < world_.scenario_.operations.size(); ++i) {
        const Subject& operation = world_.block_.operations[i];
        const bool again =
            operation.completed && operation.times < world_.scenario_.operations[i].times;
        if (operation.file->closed || (operation.order != 0 && !again)) {
            continue;
        }
        add(Event::start, i);
        if (!again && !world_.scenario_.any_order) {
            return;
        }
    }
}

void StepList::on_files() noexcept {
    const Scenario& scenario = world_.scenario_;
    if (static_cast<std::size_t>(world_.block_.slots) + 1 < scenario.slots.size()) {
        add(Event::set_slots, 0);
    }
    for (std::size_t i = 0; i < scenario.files.size(); ++i) {
        const Record& file = world_.block_.files[i];
        if (file.polled) {
            add(Event::quiet, i);
        }
        if (scenario.files[i].expires && file.usable) {
            add(Event::expire, i);
        }
        if (scenario.files[i].closes && !file.closed) {
            add(Event::close, i);
        }
        if (scenario.files[i].silent) {
            fault(Event::slow, i, file.slots->is_slow() ? 0 : 1);
        }
    }
}

void StepList::front_of_to_submit(const Subject& operation) noexcept {
    if (operation.is_poll()) {
        add(Event::poll_accepted, operation.index);
        fault(Event::poll_to_epoll, operation.index); // EINVAL: more than one wait queue
        fault(Event::unwatchable, operation.index, ENOMEM);
        return;
    }
    constexpr int alone = 1;
    constexpr int slept = 2;
    switch (operation.watch) {
    case SubmitWatch::none:
        add(Event::submitted, operation.index, 0);
        break;
    case SubmitWatch::together:
        add(Event::submitted, operation.index, 0);
        fault(Event::submitted, operation.index, slept);
        [[fallthrough]];
    case SubmitWatch::alone:
        add(Event::submitted, operation.index, alone);
        fault(Event::submitted, operation.index, alone | slept);
        break;
    }
    fault(Event::refused, operation.index, EINVAL);
    fault(Event::refused, operation.index, EBADF);
    fault(Event::refused, operation.index, EOPNOTSUPP);
    fault(Event::refused, operation.index, EAGAIN); // for too long
}

bool StepList::has_room_for(const Subject& operation) const noexcept {
    const engine::Slots& slots = world_.block_.scheduler.slots();
    return slots.available() && (!operation.file->slots->is_slow() || slots.available_to_slow());
}

void StepList::front_of_to_run(const Subject& operation) noexcept {
    add(Event::given_to_worker, operation.index);
    if (operation.is_poll()) {
        fault(Event::poll_to_epoll, operation.index);
        fault(Event::unwatchable, operation.index, ENOMEM);
    } else if (!operation.file->usable) {
        fault(Event::no_worker, operation.index, EMFILE);
        fault(Event::refused, operation.index, EAGAIN); // for want of a worker as well
    } else if (operation.appends && operation.in_turn) {
        full_result(operation, true);
    } else if (operation.has_slot() || has_room_for(operation)) {
        fault(Event::submit_instead, operation.index);
    } else {
        full_result(operation, true); // the engine's thread makes the call
    }
}

void StepList::front_of_to_watch(const Subject& operation) noexcept {
    if (!operation.is_poll()) {
        add(Event::given_to_readiness, operation.index);
        const bool refuses = operation.file->policy(operation).refuses_nowait();
        if (world_.plan_of(operation).reopens && refuses && file_of(operation).usable &&
            !file_of(operation).nonblocking) {
            add(Event::reopened, operation.index);
        }
        return;
    }
    add(Event::given_to_readiness, operation.index); // by epoll
    add(operation.file->usable ? Event::poll_to_submit : Event::poll_to_worker, operation.index);
}

void StepList::poll(const Subject& operation) noexcept {
    add(Event::ready, operation.index, POLLIN);
    if (operation.cancel_requested) {
        add(Event::ready, operation.index, 0);
    }
    fault(Event::unwatchable, operation.index, EPERM);
    if (operation.part == Part::worker) {
        fault(Event::refused_for_now, operation.index);
        fault(Event::poll_to_epoll, operation.index);
    }
}

void StepList::full_result(const Subject& operation, bool is_fault) noexcept {
    const int all = operation.is_transfer() ? static_cast<int>(operation.remaining()) : 0;
    is_fault ? fault(Event::result, operation.index, all)
             : add(Event::result, operation.index, all);
}

/// All that a call, or an event, may answer; `fault`: the call is one that is made for want of a
/// worker.
void StepList::results(const Subject& operation, bool is_fault) noexcept {
    if (!is_fault && operation.state() == State::to_call) {
        full_result(operation, false);
    }
    if (!operation.is_transfer()) {
        fault(Event::result, operation.index, -EIO);
        return;
    }
    const bool stream = operation.file->traits.stream;
    const bool by_worker = operation.state() == State::worker;
    const bool submits = operation.way == Way::worker_submit;
    const bool waits = operation.is_try() || (operation.way == Way::worker && stream);
    // A worker makes it to its end before those behind it.
    const bool whole = operation.appends && operation.in_turn;
    for (int bytes = 1; bytes < static_cast<int>(operation.remaining()); ++bytes) {
        if (!whole || !operation.request.exact) {
            fault(Event::result, operation.index, bytes);
        }
    }
    fault(Event::result, operation.index, 0);
    fault(Event::result, operation.index, -EIO);
    if (waits && stream && !is_fault) {
        add(Event::result, operation.index, -EAGAIN);
    } else if (waits || (operation.request.flags & RwFlags::nowait) != RwFlags::none) {
        fault(Event::result, operation.index, -EAGAIN);
    }
    if (operation.asks_nowait() && (by_worker || operation.state() == State::to_call)) {
        fault(Event::result, operation.index, -EOPNOTSUPP);
    }
    if (operation.state() == State::kernel || (by_worker && !whole)) {
        fault(Event::result, operation.index, -EINTR);
    }
    if (operation.cancel_requested && (operation.state() == State::kernel || submits)) {
        add(Event::result, operation.index, -ECANCELED);
    }
    if (by_worker) {
        fault(Event::refused_for_now, operation.index); // or the workers have just ended
    }
    if (by_worker && submits) {
        fault(Event::refused, operation.index, EINVAL);
        fault(Event::refused, operation.index, EBADF);
        fault(Event::refused, operation.index, EOPNOTSUPP);
    }
}

void StepList::other_answers() noexcept {
    for (const Subject& operation : world_.block_.operations) {
        if ((operation.part == Part::kernel || operation.part == Part::worker) &&
            !operation.is_poll()) {
            results(operation, false);
        }
    }
}

/// Cancelling at any time, and what the part that has the operation says to it. That it runs on
/// changes nothing: check_cancel() sees to that.
void StepList::cancels() noexcept {
    for (const Subject& operation : world_.block_.operations) {
        const bool stream_try =
            operation.is_try() && operation.file != nullptr && operation.file->traits.stream;
        switch (operation.state()) {
        case State::idle:
        case State::completed:
            break;
        case State::kernel:
            if (!operation.cancel_requested) {
                fault(Event::ask, operation.index);
            }
            break;
        case State::worker:
            fault(Event::take_back, operation.index);
            if (!operation.cancel_requested &&
                (operation.way == Way::worker_submit || operation.is_poll() || stream_try)) {
                fault(Event::ask, operation.index);
            }
            break;
        case State::watched:
            fault(Event::take_back, operation.index);
            break;
        case State::to_submit:
        case State::to_run:
            fault(operation.is_poll() ? Event::take_back : Event::cancel, operation.index);
            break;
        default:
            fault(Event::cancel, operation.index);
            break;
        }
    }
}

const char* name_of(Event event) noexcept {
    constexpr std::array names{
        "start",          "cancel",         "take_back",       "ask",
        "submitted",      "refused",        "refused_for_now", "given_to_worker",
        "submit_instead", "no_worker",      "result",          "given_to_readiness",
        "reopened",       "poll_to_submit", "poll_to_worker",  "poll_accepted",
        "poll_to_epoll",  "ready",          "unwatchable",     "probed",
        "take",           "release",        "quiet",           "expire",
        "close",          "slow",           "set_slots"};
    return names[static_cast<std::size_t>(event)];
}

} // namespace aioxx::test
