// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What the parts around a scheduler do when they answer, and what has to come of it.

#include "scheduler_world.hpp"

#include <cerrno>

namespace aioxx::test {

using engine::Operation;
using engine::OperationList;
using engine::Scheduler;
using engine::State;
using engine::Way;

namespace {

/// EAGAIN is how a try says that it would block.
bool is_tried(const Operation& operation) noexcept {
    return operation.is_try() || (operation.way == Way::worker && operation.file->traits.stream);
}

} // namespace

/// Takes it from the part or the list that has it before the scheduler hears of it.
void World::leave(Subject& operation) noexcept {
    Scheduler& scheduler = block_.scheduler;
    switch (operation.state()) {
    case State::kernel:
        expect(operation.part == Part::kernel, "the kernel has what is told of it");
        break;
    case State::worker:
        expect(operation.part == Part::worker, "a worker has what is told of it");
        break;
    case State::watched:
        expect(operation.part == Part::readiness, "Readiness has what is told of it");
        break;
    case State::to_submit:
        leave_front(operation, scheduler.to_submit);
        break;
    case State::to_run:
        leave_front(operation, scheduler.to_run);
        break;
    case State::to_call:
        leave_front(operation, scheduler.to_call);
        break;
    default:
        // A part tells of what it has been given, and the scheduler has taken it to be elsewhere.
        expect(false, "a part has what the scheduler has let go on");
        break;
    }
    operation.part = Part::none;
}

void World::leave_front(Subject& operation, OperationList& list) noexcept {
    expect(list.pop_front() == &operation, "the parts take from the front of a list");
}

void World::take_back(Subject& operation) noexcept {
    Scheduler& scheduler = block_.scheduler;
    operation.told |= bit_of(ECANCELED);
    operation.ends_short = true;
    const Scheduler::Recall recall = scheduler.cancel(operation);
    Scheduler::Recall expected = Scheduler::Recall::worker;
    if (operation.is_poll() || operation.part == Part::readiness) {
        expected = Scheduler::Recall::readiness;
    }
    expect(recall == expected, "cancel says which part has to give an operation back");
    if (operation.state() == State::to_submit) { // a poll, on its way
        scheduler.to_submit.remove(operation);
    } else if (operation.state() == State::to_run) {
        scheduler.to_run.remove(operation);
    }
    operation.part = Part::none;
    scheduler.recalled(operation);
    expect(!is_under_way(operation), "what was given back has ended");
}

void World::tell_refusal(Subject& operation, int error) noexcept {
    const bool tries_again = (error == EOPNOTSUPP && operation.asks_nowait()) ||
                             (operation.has_slot() && block_.scheduler.slots().capacity() == 0);
    if (!tries_again) {
        operation.told |= bit_of(error);
        operation.ends_short = true;
    }
    block_.scheduler.refused(operation, error);
    expect(tries_again || !is_under_way(operation), "what is refused for good has ended");
}

/// Whether a transfer that has got to `done` has anything behind it that it need not do again.
bool World::gets_on(const Subject& operation, std::size_t before, std::size_t done) noexcept {
    const engine::FileTraits& file = operation.file->traits;
    const bool aligns = file.direct && !operation.request.is_vectored();
    return (aligns ? done - done % file.alignment : done) > before;
}

void World::tell_result(Subject& operation, std::int64_t result) noexcept {
    operation.before = operation.done;
    const bool tried = is_tried(operation);
    const auto left = static_cast<std::int64_t>(operation.remaining());
    const bool exact = operation.request.exact;
    bool ends = !operation.is_transfer() || result >= left;
    if (result < 0) {
        const int error = static_cast<int>(-result);
        const bool tries_again = (tried && error == EAGAIN) ||
                                 (operation.asks_nowait() && error == EOPNOTSUPP) ||
                                 (error == EINTR && operation.is_transfer() &&
                                  (operation.state() == State::worker || exact));
        ends = !tries_again || operation.cancel_requested;
        if (!tries_again) {
            operation.told |= bit_of(error);
            operation.ends_short = true;
        }
    } else if (result == 0 && tried && operation.is_read() && !operation.file->traits.stream &&
               !ends) {
        ends = operation.cancel_requested; // else the file is asked whether it ends there
    } else if (!ends) {
        const bool goes_on =
            result > 0 && (exact || (tried && !operation.file->traits.stream)) &&
            gets_on(operation, operation.done, operation.done + static_cast<std::size_t>(result));
        if (!goes_on) {
            operation.ends_short =
                operation.ends_short || result == 0 || !exact || operation.is_read();
            // A read is looked at once more: the file may end there.
            ends = result == 0 || operation.is_write();
            if (exact && operation.is_write()) {
                operation.told |= bit_of(EIO);
            }
        }
    }
    const bool waits = tried && result == -EAGAIN && operation.file->traits.stream && !ends;
    block_.scheduler.result(operation, result, 0);
    expect(!waits || operation.state() == State::to_watch,
           "a stream that would have blocked is waited for");
    expect(!ends || !is_under_way(operation), "what has its result has ended");
}

void World::tell_probe(Subject& operation, bool at_end) noexcept {
    const bool ends =
        at_end || (!operation.end_of_file && !gets_on(operation, operation.before, operation.done));
    operation.ends_short |= at_end;
    block_.scheduler.probed(operation, at_end);
    expect(is_under_way(operation) != ends, "a read goes on where the file does");
}

void World::to_readiness(Subject& operation, const Step& step) noexcept {
    Scheduler& scheduler = block_.scheduler;
    auto& file = static_cast<Record&>(*operation.file);
    switch (step.event) {
    case Event::reopened:
        file.nonblocking = true;
        [[fallthrough]];
    case Event::given_to_readiness:
        leave_front(operation, scheduler.to_watch);
        file.kept = true; // it is registered
        file.polled = file.polled || (!operation.is_poll() && plan_of(operation).lingers);
        operation.part = Part::readiness;
        operation.move_to(State::watched); // as Readiness does
        break;
    case Event::poll_to_submit:
        leave_front(operation, scheduler.to_watch);
        operation.way = Way::submit;
        operation.move_to(State::to_submit);
        scheduler.to_submit.push_back(operation);
        break;
    case Event::poll_to_worker:
        leave_front(operation, scheduler.to_watch);
        operation.way = Way::worker_submit;
        operation.move_to(State::to_run);
        scheduler.to_run.push_back(operation);
        break;
    case Event::poll_accepted:
        leave_front(operation, scheduler.to_submit);
        operation.move_to(State::kernel);
        operation.part = Part::kernel;
        break;
    default: // poll_to_epoll
        leave(operation);
        file.kept = true;
        operation.move_to(State::watched);
        operation.part = Part::readiness;
        break;
    }
}

void World::perform_on_file(Record& file, const Step& step) noexcept {
    Scheduler& scheduler = block_.scheduler;
    if (step.event == Event::expire) {
        scheduler.expire(file);
    } else if (step.event == Event::close) {
        scheduler.close(file);
    } else if (step.event == Event::slow) {
        scheduler.set_slow(file.holder, step.value != 0);
    } else if (step.event == Event::quiet) {
        file.polled = false;
        if (file.closed) {
            scheduler.release(file);
        }
    } else { // as Engine::release_files()
        expect(scheduler.to_release.pop_front() == &file, "files are released in their order");
        if (file.operations == 0) {
            file.kept = false;
            file.nonblocking = false;
            file.retired = file.closed && !file.polled;
        }
    }
}

void World::take(Subject& operation) noexcept {
    leave_front(operation, block_.scheduler.done);
    operation.move_to(State::idle);
    expect(!operation.completed, "an operation completes once");
    operation.completed = true;
}

} // namespace aioxx::test
