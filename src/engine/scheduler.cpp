// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/scheduler.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

bool asks_for_nowait(const Operation& operation) noexcept {
    return (operation.request.flags & RwFlags::nowait) != RwFlags::none;
}

bool appends(const Operation& operation, const FileTraits& file) noexcept {
    const RwFlags flags = operation.request.flags;
    return operation.is_write() && file.regular &&
           (file.append ? (flags & RwFlags::noappend) == RwFlags::none
                        : (flags & RwFlags::append) != RwFlags::none);
}

/// Whether it holds the inode's lock from the beginning to the end, as writes into the page cache
/// do. What has to reach the disk as well waits for that without the lock.
bool waits_for_inode(const Operation& operation) noexcept {
    constexpr RwFlags to_disk = RwFlags::sync | RwFlags::dsync;
    const FileTraits& file = operation.file->traits;
    return operation.is_write() && file.regular && !file.direct && !file.synchronous &&
           (operation.request.flags & to_disk) == RwFlags::none;
}

/// The same for a file whose number the engine's thread may not use.
Way way_of_worker(Way way, const FileTraits& file) noexcept {
    switch (way) {
    case Way::submit:
        return Way::worker_submit;
    case Way::call_nowait:
        return file.stream ? Way::worker_nowait : Way::worker;
    case Way::submit_nowait:
    case Way::call:
        return Way::worker;
    case Way::call_nonblocking: // on a descriptor of the engine's own
    case Way::worker:
    case Way::worker_nowait:
    case Way::worker_submit:
        break;
    }
    return way;
}

/// A direct transfer that ended anywhere has to start again at its alignment. False when that
/// leaves no progress: what it would do, it has done.
bool align_progress(Operation& operation, std::size_t before) noexcept {
    const FileTraits& file = operation.file->traits;
    const std::size_t excess =
        file.direct && !operation.request.is_vectored() ? operation.done % file.alignment : 0;
    if (operation.done - excess <= before) {
        return false;
    }
    operation.done -= excess;
    return true;
}

} // namespace

// --- Starting ---------------------------------------------------------------------------------

inline void Scheduler::dispatch(Operation& operation) noexcept {
    if (slots_.available() && backlog_.empty() && !operation.is_poll()) [[likely]] {
        place(operation);
    } else {
        dispatch_in_order(operation);
    }
}

/// Whether the engine's own thread may copy that much. Of streams only the part is copied that the
/// kernel has, or has room for.
inline bool Scheduler::is_small(const Operation& operation) const noexcept {
    if (operation.file->traits.stream) {
        return true;
    }
    const std::size_t bytes = operation.remaining();
    return bytes <= most_for_call && called_ + bytes <= operation.file->most_for_pass;
}

/// A read that nothing keeps from the usual way of its file: start_any() would find the same by
/// more questions. False where anything is otherwise.
inline bool Scheduler::start_usual(Operation& operation) noexcept {
    FileRecord& file = *operation.file;
    assert(file.usable);                              // as it is at each start
    assert(backlog_.empty() || !may_leave_backlog()); // as it is after each event
    if (!operation.is_read() || asks_for_nowait(operation) || !usual_reads_) {
        return false;
    }
    if (file.usual_read == Way::submit) [[likely]] {
        if (!slots_.available() || file.slots->is_slow() ||
            !file.policy(0).take_usual(Way::submit)) {
            return false;
        }
        take_slot(operation);
        operation.watch = SubmitWatch::none;
        operation.way = Way::submit;
        operation.move_to(State::to_submit);
        to_submit.push_back(operation);
        return true;
    }
    if (file.usual_read == Way::worker || operation.request.is_vectored() || !is_small(operation) ||
        !file.policy(0).take_usual(file.usual_read)) {
        return false;
    }
    called_ += operation.request.length;
    statistics_.nowait_tries += file.usual_read == Way::call_nowait ? 1 : 0;
    operation.watch = SubmitWatch::none;
    operation.way = file.usual_read;
    operation.move_to(State::to_call);
    to_call.push_back(operation);
    return true;
}

void Scheduler::start(Operation& operation) noexcept {
    operation.begin();
    ++operation.file->operations;
    if (!start_usual(operation)) {
        start_any(operation);
    }
}

/// Any other. It may have to wait behind others on its file.
void Scheduler::start_any(Operation& operation) noexcept {
    FileRecord& file = *operation.file;
    if (operation.is_transfer() && holds_flushes(operation)) {
        file.order.enter_transfer(operation);
    }
    if (operation.is_transfer() && file.traits.stream) {
        operation.request.offset = 0; // sockets refuse any other, and other streams ignore it
        const int error = file.impossible[operation.is_write() ? 1 : 0];
        if (!file.stream(operation).enter(operation)) {
            operation.move_to(State::ordered);
        } else if (error != 0) {
            finish(operation, -error);
        } else {
            go_on(operation);
        }
    } else if ((operation.is_flush() && operation.request.after_writes &&
                !file.order.enter_flush(operation)) ||
               (appends(operation, file.traits) && !enter_append(operation))) {
        operation.move_to(State::ordered);
    } else {
        dispatch(operation);
    }
}

/// False where it waits. Those that workers make one after the other need not wait here.
bool Scheduler::enter_append(Operation& operation) noexcept {
    FileRecord& file = *operation.file;
    operation.in_turn = waits_for_inode(operation) && !file.traits.in_memory &&
                        !file.traits.never_waits && !asks_for_nowait(operation);
    return file.order.enter_append(operation);
}

/// Nothing is in front of it any more.
void Scheduler::go_on(Operation& operation) noexcept {
    FileRecord& file = *operation.file;
    if (operation.is_transfer() && file.traits.stream && !asks_for_nowait(operation) &&
        file.policy(operation).waits_first(file.nonblocking)) {
        wait_for_readiness(operation);
    } else {
        dispatch(operation);
    }
}

inline RoutePolicy::Question Scheduler::question(const Operation& operation) const noexcept {
    const FileRecord& file = *operation.file;
    return {.write = operation.is_write(),
            .asks_nowait = asks_for_nowait(operation),
            .appends = FileOrder::is_appending(operation),
            .nonblocking = file.nonblocking,
            .small = file.traits.direct || is_small(operation),
            .kernel_aio = has_slots_for(file),
            .nowait_always = options_.nowait_always};
}

bool Scheduler::needs_slot(const Operation& operation) const noexcept {
    const FileTraits& file = operation.file->traits;
    return operation.is_transfer() && RoutePolicy::needs_slot(file, question(operation));
}

/// The same for what is a poll, or may have to wait for a slot.
void Scheduler::dispatch_in_order(Operation& operation) noexcept {
    if (operation.is_poll()) {
        operation.move_to(State::to_watch);
        to_watch.push_back(operation);
    } else if (needs_slot(operation)) {
        operation.move_to(State::backlog);
        ++statistics_.backlogged;
        backlog_.push(operation);
    } else {
        place(operation);
    }
}

/// There is a slot for it, or it needs none.
void Scheduler::place(Operation& operation) noexcept {
    FileRecord& file = *operation.file;
    RoutePolicy::Choice choice{Way::worker}; // of flushes: kernel AIO has no thread of its own
    if (operation.is_transfer()) {
        choice = file.policy(operation).choose(file.traits, question(operation));
    }
    operation.watch = choice.watch;
    operation.way = file.usable ? choice.way : way_of_worker(choice.way, file.traits);
    if (operation.asks_nowait()) {
        ++statistics_.nowait_tries;
    }
    if (operation.way <= Way::submit_nowait) [[likely]] {
        take_slot(operation);
        operation.move_to(State::to_submit);
        to_submit.push_back(operation);
        return;
    }
    if (operation.way <= Way::call_nonblocking) {
        called_ +=
            file.traits.stream ? 0 : std::min(operation.remaining(), most_for_pass - called_);
        operation.move_to(State::to_call);
        to_call.push_back(operation);
        return;
    }
    if (operation.way == Way::worker_submit) {
        take_slot(operation);
    }
    const bool in_turn = operation.way == Way::worker && waits_for_inode(operation);
    assert(in_turn || !operation.appends || !operation.in_turn); // others append beside it
    operation.in_turn = in_turn;
    ++statistics_.offloaded;
    operation.move_to(State::to_run);
    to_run.push_back(operation);
}

void Scheduler::wait_for_readiness(Operation& operation) noexcept {
    ++statistics_.polled;
    operation.move_to(State::to_watch);
    to_watch.push_back(operation);
}

// --- What the parts tell ----------------------------------------------------------------------

void Scheduler::set_slots(std::size_t capacity) noexcept {
    slots_.set_capacity(capacity);
    advance();
}

void Scheduler::set_slow(SlotHolder& holder, bool slow) noexcept {
    if (slots_.set_slow(holder, slow)) {
        advance();
    }
}

void Scheduler::refused(Operation& operation, int error) noexcept {
    const bool was_submitted = operation.has_slot();
    give_back_slot(operation);
    if (error == EOPNOTSUPP && operation.asks_nowait()) {
        try_refused(operation, error);
    } else if (was_submitted && slots_.capacity() == 0) {
        dispatch(operation); // kernel AIO is gone: another way
    } else {
        fail(operation, error);
    }
    advance();
}

void Scheduler::refused_for_now(Operation& operation) noexcept {
    operation.move_to(State::to_run);
    to_run.push_back(operation);
}

bool Scheduler::submit_instead(Operation& operation) noexcept {
    if (operation.appends && operation.in_turn) {
        return false; // it has to be made to its end before the next
    }
    if (!operation.has_slot()) {
        if (!slots_.available() || !has_slots_for(*operation.file)) {
            return false;
        }
        take_slot(operation);
    }
    operation.way = Way::submit;
    operation.move_to(State::to_submit);
    to_submit.push_back(operation);
    return true;
}

inline void Scheduler::complete(Operation& operation, std::int64_t result) noexcept {
    FileRecord& file = *operation.file;
    operation.result = result;
    operation.move_to(State::completed);
    --file.operations;
    done.push_back(operation);
    if (file.operations == 0 && (file.kept || file.closed)) {
        release(file);
    }
}

void Scheduler::result(Operation& operation, std::int64_t result, std::int64_t result2) noexcept {
    const Request& request = operation.request;
    // An error is more than there can be memory.
    const bool whole = request.kind <= Kind::write &&
                       static_cast<std::size_t>(result) == request.length - operation.done;
    FileRecord& file = *operation.file;
    if (!whole || holds_flushes(operation) || file.traits.stream) [[unlikely]] {
        any_result(operation, result, result2);
        return;
    }
    // A read that nothing waits behind, and all of it: any_result() would do the same.
    if (operation.is_try()) {
        file.policy(0).try_passed();
    }
    give_back_slot(operation);
    assert(!operation.end_of_file); // as begin() has left it
    operation.result2 = result2;
    operation.done = request.length;
    complete(operation, static_cast<std::int64_t>(request.length));
    advance();
}

/// Any other.
void Scheduler::any_result(Operation& operation, std::int64_t result,
                           std::int64_t result2) noexcept {
    const bool by_worker = operation.state() == State::worker;
    give_back_slot(operation);
    operation.result2 = result2;
    if (operation.is_transfer()) {
        transferred(operation, result, by_worker);
    } else {
        finish(operation, result);
    }
    advance();
}

/// Longer than others: its rules are one list, and each counts on those above it.
void Scheduler::transferred(Operation& operation, std::int64_t result, bool by_worker) noexcept {
    FileRecord& file = *operation.file;
    const bool stream = file.traits.stream;
    const bool waits_by_itself = !file.traits.never_waits && !asks_for_nowait(operation);
    const bool tried =
        operation.is_try() || (operation.way == Way::worker && stream && waits_by_itself);
    // EOPNOTSUPP to anything but NOWAIT is the answer to what was asked for.
    if (tried && (result == -EAGAIN || (result == -EOPNOTSUPP && operation.asks_nowait()))) {
        try_refused(operation, static_cast<int>(-result));
        return;
    }
    // SIGSTOP and setuid() do this to a blocked worker, and an exact transfer goes on whatever has
    // interrupted it.
    if (result == -EINTR && (by_worker || operation.request.exact)) {
        if (!operation.cancel_requested) {
            dispatch(operation);
            return;
        }
        result = -ECANCELED;
    }
    if (result == -ECONNRESET && operation.cancel_requested && file.traits.direct) {
        result = -ECANCELED; // how USB endpoints give back what was cancelled
    }
    if (result < 0) {
        fail(operation, static_cast<int>(-result));
        return;
    }
    const std::size_t wanted = operation.remaining();
    const auto bytes = static_cast<std::size_t>(result);
    if (tried) {
        file.policy(operation).try_passed();
    }
    const std::size_t before = operation.done;
    operation.advance(bytes);
    operation.end_of_file = operation.is_read() && bytes == 0 && wanted > 0;
    const bool partial = bytes > 0 && bytes < wanted;
    // A NOWAIT transfer ends where the cached pages do, which is no end that was asked for; and
    // Linux 5.10 answers 0 there.
    const bool doubtful_end = operation.end_of_file && tried && !stream;
    if (doubtful_end || (partial && (operation.request.exact || (tried && !stream)))) [[unlikely]] {
        if (operation.cancel_requested) {
            fail(operation, ECANCELED); // the rest is not waited for
            return;
        }
        if (operation.is_read() && file.traits.regular && !file.traits.on_server && file.usable) {
            operation.result = static_cast<std::int64_t>(before);
            operation.move_to(State::to_probe);
            to_probe.push_back(operation);
            return;
        }
        if (doubtful_end) {
            refuse_end(operation);
            return;
        }
        if (align_progress(operation, before)) {
            carry_on(operation);
            return;
        }
        if (operation.request.exact && operation.is_write()) {
            finish(operation, -EIO); // short twice at one place, and no error: all or nothing
            return;
        }
    }
    finish(operation, static_cast<std::int64_t>(operation.done));
}

void Scheduler::probed(Operation& operation, bool at_end) noexcept {
    after_probe(operation, at_end);
    advance();
}

void Scheduler::after_probe(Operation& operation, bool at_end) noexcept {
    const auto before = static_cast<std::size_t>(operation.result);
    if (at_end) {
        operation.end_of_file |= operation.request.exact; // the rest was asked for as well
        finish(operation, static_cast<std::int64_t>(operation.done));
    } else if (operation.end_of_file) {
        refuse_end(operation);
    } else if (align_progress(operation, before)) {
        carry_on(operation);
    } else {
        finish(operation, static_cast<std::int64_t>(operation.done));
    }
}

/// A NOWAIT read has said that the file ends, and it does not, as far as is known: a call that
/// waits will tell.
void Scheduler::refuse_end(Operation& operation) noexcept {
    operation.end_of_file = false;
    try_refused(operation, EAGAIN);
}

void Scheduler::carry_on(Operation& operation) noexcept {
    FileRecord& file = *operation.file;
    ++statistics_.continued;
    if (file.traits.stream) {
        operation.request.offset = -static_cast<std::int64_t>(operation.done); // 0 in the call
        go_on(operation);
        return;
    }
    if (operation.asks_nowait()) {
        file.policy(operation).next_is_uncached();
    }
    dispatch(operation);
}

/// RWF_NOWAIT has answered that the call would block, or that the file does not know it; or not one
/// of the flags that were asked for, of which nothing is learnt.
void Scheduler::try_refused(Operation& operation, int error) noexcept {
    constexpr RwFlags of_every_file =
        RwFlags::hipri | RwFlags::dsync | RwFlags::sync | RwFlags::append;
    FileRecord& file = *operation.file;
    ++statistics_.nowait_refused;
    const bool asks_for_more = (operation.request.flags & ~of_every_file) != RwFlags::none;
    file.policy(operation).try_refused(file.traits, error, asks_for_more);
    if (operation.cancel_requested) {
        fail(operation, ECANCELED);
    } else if (file.traits.stream) {
        wait_for_readiness(operation);
    } else {
        dispatch(operation);
    }
}

void Scheduler::ready(Operation& operation, std::uint32_t events) noexcept {
    if (operation.is_poll()) {
        // The kernel gives all bits of the wakeup, and none to a poll that was cancelled.
        const std::uint32_t found = events & (operation.request.bits | always_reported);
        finish(operation, found != 0 ? static_cast<std::int64_t>(found) : -ECANCELED);
    } else {
        dispatch(operation);
    }
}

void Scheduler::unwatchable(Operation& operation, int error) noexcept {
    constexpr std::uint32_t always_ready = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    if (!operation.is_poll()) {
        transfer_is_unwatchable(operation, error);
    } else if (error == EPERM) { // what epoll says of a regular file
        finish(operation, operation.request.bits & always_ready);
    } else {
        finish(operation, -error);
    }
}

/// Trying again without waiting would never end: a worker waits, in the call itself. Where no call
/// waits inside, nothing can.
void Scheduler::transfer_is_unwatchable(Operation& operation, int error) noexcept {
    FileRecord& file = *operation.file;
    if (file.traits.nonblocking) {
        fail(operation, error);
    } else {
        file.policy(operation).refuse_tries();
        dispatch(operation);
    }
}

void Scheduler::expire(FileRecord& file) noexcept {
    file.usable = false;
    if (to_submit.empty() && to_call.empty() && to_probe.empty()) [[likely]] {
        return;
    }
    for (OperationList* const list : {&to_submit, &to_call}) {
        for (Operation* next = list->front(); next != nullptr;) {
            Operation& operation = *next;
            next = OperationList::next(operation);
            if (operation.file == &file && operation.way != Way::call_nonblocking) {
                list->remove(operation);
                to_worker(operation);
            }
        }
    }
    for (Operation* next = to_probe.front(); next != nullptr;) {
        Operation& operation = *next;
        next = OperationList::next(operation);
        if (operation.file == &file) {
            to_probe.remove(operation);
            after_probe(operation, false); // a read at the end finds out by itself
        }
    }
    advance();
}

/// What the engine's thread was to do under a number that has expired.
void Scheduler::to_worker(Operation& operation) noexcept {
    operation.way = way_of_worker(operation.way, operation.file->traits);
    operation.in_turn = operation.way == Way::worker && waits_for_inode(operation);
    if (operation.way != Way::worker_submit) {
        give_back_slot(operation);
    }
    operation.move_to(State::to_run);
    to_run.push_back(operation);
}

void Scheduler::close(FileRecord& file) noexcept {
    file.closed = true;
    if (file.operations == 0) {
        release(file);
    }
}

void Scheduler::release(FileRecord& file) noexcept {
    if (!static_cast<Link<FileRecord>&>(file).linked) {
        to_release.push_back(file);
    }
}

// --- Ending -----------------------------------------------------------------------------------

/// Longer than others: one case for each state.
Scheduler::Recall Scheduler::cancel(Operation& operation) noexcept {
    const State state = operation.state();
    if (operation.is_poll() && state != State::idle && state != State::completed &&
        state != State::to_watch) {
        return Recall::readiness; // wherever that has it
    }
    switch (state) {
    case State::idle:
    case State::completed:
        return Recall::too_late;
    case State::kernel:
        return Recall::kernel;
    case State::worker:
        return Recall::worker;
    case State::watched:
        return Recall::readiness;
    case State::ordered:
        if (operation.is_flush()) {
            operation.file->order.drop_flush(operation);
        } // else finish() takes it out
        break;
    case State::backlog:
        backlog_.remove(operation);
        break;
    case State::to_call:
        to_call.remove(operation);
        break;
    case State::to_submit:
        to_submit.remove(operation);
        break;
    case State::to_run:
        to_run.remove(operation);
        break;
    case State::to_watch:
        to_watch.remove(operation);
        break;
    case State::to_probe:
        to_probe.remove(operation);
        break;
    }
    cancelled(operation);
    return Recall::none;
}

void Scheduler::recalled(Operation& operation) noexcept {
    cancelled(operation);
}

void Scheduler::cancelled(Operation& operation) noexcept {
    ++statistics_.cancelled;
    give_back_slot(operation);
    finish(operation, operation.request.exact || operation.done == 0
                          ? -ECANCELED
                          : static_cast<std::int64_t>(operation.done));
    advance();
}

/// Bytes that were transferred before count, unless all or nothing was asked for.
void Scheduler::fail(Operation& operation, int error) noexcept {
    finish(operation, operation.done > 0 && !operation.request.exact
                          ? static_cast<std::int64_t>(operation.done)
                          : -error);
}

void Scheduler::finish(Operation& operation, std::int64_t result) noexcept {
    if (operation.is_transfer()) {
        leave_order(operation);
    }
    complete(operation, result); // not before: one that waited was in a list by the same link
}

/// What waits behind the transfer may have its turn.
void Scheduler::leave_order(Operation& operation) noexcept {
    FileRecord& file = *operation.file;
    const bool waited = operation.state() == State::ordered;
    if (file.traits.stream) {
        if (Operation* const next = file.stream(operation).leave(operation)) {
            released_.push_back(*next);
        }
    }
    if (holds_flushes(operation)) {
        file.order.leave_transfer(operation, waited && !file.traits.stream, released_);
    }
}

/// One loop, so that no chain of operations is a chain of calls.
void Scheduler::advance_all() noexcept {
    for (;;) {
        if (Operation* const operation = released_.pop_front()) {
            go_on(*operation);
        } else if (!backlog_.empty() && may_leave_backlog()) {
            place(*backlog_.pop());
        } else {
            return;
        }
    }
}

// --- States and slots -------------------------------------------------------------------------

void Scheduler::take_slot(Operation& operation) noexcept {
    operation.slot = operation.file->slots;
    slots_.take(*operation.slot);
}

void Scheduler::give_back_slot(Operation& operation) noexcept {
    if (SlotHolder* const holder = std::exchange(operation.slot, nullptr)) {
        slots_.give_back(*holder);
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
