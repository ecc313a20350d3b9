// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "scheduler_world.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace aioxx::test {
namespace {

using engine::Scheduler;
using engine::State;

alignas(Block) std::array<std::byte, sizeof(Block)> memory;

const FilePlan& file_plan(const Scenario& scenario, std::size_t file) {
    static const FilePlan none;
    return file < scenario.files.size() ? scenario.files[file] : none;
}

void describe(Subject& operation, const OperationPlan& plan) noexcept {
    operation.request.kind = plan.kind;
    operation.request.exact = plan.exact;
    operation.request.after_writes = plan.after_writes;
    operation.request.flags = plan.flags;
    operation.request.rank = plan.rank;
    operation.request.bits = POLLIN;
    operation.request.length = plan.length;
    operation.parts = {iovec{nullptr, plan.length / 2}, iovec{nullptr, plan.length / 2}};
    if (operation.request.is_vectored()) {
        operation.request.data = operation.parts.data();
        operation.request.length = operation.parts.size();
    }
}

} // namespace

std::uint16_t bit_of(int error) noexcept {
    constexpr std::array errors{EIO,   EINTR,  EINVAL, EBADF,     EOPNOTSUPP, EAGAIN,
                                EPERM, ENOMEM, EMFILE, ECANCELED, ESPIPE};
    for (std::size_t i = 0; i < errors.size(); ++i) {
        if (errors[i] == error) {
            return static_cast<std::uint16_t>(1U << i);
        }
    }
    return 0;
}

/// What many submits that did not sleep teach.
void trust(engine::RoutePolicy& policy, const engine::FileTraits& file) noexcept {
    for (unsigned i = 0; i <= engine::RoutePolicy::watched_at_first; ++i) {
        const engine::SubmitWatch watch = policy.choose(file, {}).watch;
        policy.submitted(watch, watch == engine::SubmitWatch::alone, false);
    }
}

// --- Making -----------------------------------------------------------------------------------

Block::Block(const Scenario& scenario)
    : scheduler(scenario.options, statistics), files{Record{file_plan(scenario, 0)},
                                                     Record{file_plan(scenario, 1)},
                                                     Record{file_plan(scenario, 2)}},
      faults(static_cast<std::uint8_t>(scenario.faults)) {
    for (std::size_t i = 0; i < scenario.files.size(); ++i) {
        const FilePlan& plan = scenario.files[i];
        files[i].usable = !plan.expires;
        files[i].impossible = plan.impossible;
        for (std::size_t direction = 0; plan.trusted && direction < 2; ++direction) {
            trust(files[i].policy(direction), plan.traits);
        }
        for (unsigned slept = 0; slept < plan.slept; ++slept) {
            files[i].policy(0).submitted(engine::SubmitWatch::alone, true, true);
            files[i].policy(1).submitted(engine::SubmitWatch::alone, true, true);
        }
    }
    for (std::size_t i = 0; i < most_operations; ++i) {
        operations[i].index = static_cast<std::uint8_t>(i);
    }
    for (std::size_t i = 0; i < scenario.operations.size(); ++i) {
        operations[i].file = &files[scenario.operations[i].file];
        describe(operations[i], scenario.operations[i]);
    }
}

World::World(const Scenario& scenario)
    : scenario_(scenario), block_(*::new (memory.data()) Block(scenario)) {
    find_lists();
    block_.scheduler.set_slots(scenario.slots.front());
    for (Record& file : block_.files) {
        block_.scheduler.set_slow(file.holder, file.traits.on_server);
    }
}

void World::save(Snapshot& snapshot) const noexcept {
    std::memcpy(snapshot.data(), memory.data(), memory.size());
}

void World::restore(const Snapshot& snapshot) noexcept {
    std::memcpy(memory.data(), snapshot.data(), memory.size());
}

bool World::all_completed() const noexcept {
    return std::ranges::all_of(block_.operations, [](const Subject& operation) {
        return operation.order == 0 || operation.completed;
    });
}

// --- Steps ------------------------------------------------------------------------------------

void World::perform(const Step& step) noexcept {
    Scheduler& scheduler = block_.scheduler;
    const std::size_t used = scheduler.slots().used();
    const std::uint32_t waited = scheduler.backlog_size() == 0 ? 0 : backlogged();
    const std::uint64_t put = block_.statistics.backlogged;
    block_.faults = static_cast<std::uint8_t>(block_.faults - (step.fault ? 1 : 0));
    switch (step.event) {
    case Event::start:
        start(subject(step));
        break;
    case Event::cancel:
        subject(step).told |= bit_of(ECANCELED);
        subject(step).ends_short = true;
        expect(scheduler.cancel(subject(step)) == Scheduler::Recall::none,
               "what no part has is cancelled at once");
        expect(!is_under_way(subject(step)), "what is cancelled has ended");
        break;
    case Event::take_back:
        take_back(subject(step));
        break;
    case Event::ask:
        subject(step).told |= bit_of(ECANCELED);
        subject(step).ends_short = true;
        subject(step).cancel_requested = true;
        break;
    case Event::submitted:
        leave_front(subject(step), scheduler.to_submit);
        subject(step).part = Part::kernel;
        scheduler.submitted(subject(step), (step.value & 1) != 0, (step.value & 2) != 0);
        break;
    case Event::refused:
        leave(subject(step));
        tell_refusal(subject(step), step.value);
        break;
    case Event::refused_for_now:
        leave(subject(step));
        scheduler.refused_for_now(subject(step));
        break;
    case Event::given_to_worker:
        leave_front(subject(step), scheduler.to_run);
        subject(step).part = Part::worker;
        scheduler.given_to_worker(subject(step));
        break;
    case Event::submit_instead:
        leave_front(subject(step), scheduler.to_run);
        expect(scheduler.submit_instead(subject(step)),
               "what has a slot, or can have one, is submitted where no worker can be had");
        break;
    case Event::no_worker:
        leave_front(subject(step), scheduler.to_run);
        subject(step).told |= bit_of(step.value);
        subject(step).ends_short = true;
        scheduler.result(subject(step), -step.value, 0);
        break;
    case Event::result:
        leave(subject(step));
        expect(subject(step).state() != State::to_run || !scheduler.submit_instead(subject(step)),
               "the engine's thread makes a call only where it cannot submit instead");
        tell_result(subject(step), step.value);
        break;
    case Event::given_to_readiness:
    case Event::reopened:
    case Event::poll_to_submit:
    case Event::poll_to_worker:
    case Event::poll_accepted:
    case Event::poll_to_epoll:
        to_readiness(subject(step), step);
        break;
    case Event::ready:
        leave(subject(step));
        scheduler.ready(subject(step), static_cast<std::uint32_t>(step.value));
        break;
    case Event::unwatchable:
        leave(subject(step));
        subject(step).told |= bit_of(step.value);
        scheduler.unwatchable(subject(step), step.value);
        expect(subject(step).is_poll() ? !is_under_way(subject(step))
                                       : subject(step).file->policy(subject(step)).refuses_nowait(),
               "what cannot be waited for is not waited for again");
        break;
    case Event::probed:
        leave_front(subject(step), scheduler.to_probe);
        tell_probe(subject(step), step.value != 0);
        break;
    case Event::take:
        take(subject(step));
        break;
    case Event::release:
    case Event::quiet:
    case Event::expire:
    case Event::close:
    case Event::slow:
        perform_on_file(block_.files[step.subject], step);
        break;
    case Event::set_slots:
        ++block_.slots;
        scheduler.set_slots(scenario_.slots[block_.slots]);
        break;
    }
    expect(scheduler.slots().used() <= used ||
               scheduler.slots().used() <= scenario_.slots[block_.slots],
           "a slot is taken only where there is one");
    if (block_.statistics.backlogged != put) {
        check_backlogged(waited);
    }
}

void World::start(Subject& operation) noexcept {
    auto& file = static_cast<Record&>(*operation.file);
    const FilePlan& plan = plan_of(operation);
    describe(operation, scenario_.operations[operation.index]);
    operation.order = ++block_.starts;
    ++operation.times;
    operation.completed = false;
    operation.ends_short = false;
    operation.told = 0;
    file.usable = true;
    file.kept = file.kept || (plan.keeps && file.operations == 0);
    if (operation.is_transfer() && file.traits.stream) {
        operation.told |= bit_of(file.impossible[operation.is_write() ? 1 : 0]);
    }
    block_.scheduler.start(operation);
}

} // namespace aioxx::test
