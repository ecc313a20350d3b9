// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What a worker does with one piece of work.

#include "engine/blocking_call.hpp"
#include "engine/read_ahead.hpp"
#include "engine/worker_pool.hpp"
#include "engine/write_run.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include <sys/stat.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

/// False where it has to be waited for, or is not whole.
bool read_at_once(Operation& operation, int fd) noexcept {
    operation.result = blocking_call(operation, fd, false, RwFlags::nowait);
    return operation.result == static_cast<std::int64_t>(operation.remaining());
}

/// The kernel may take a short answer of a server for the end of the file, until it has asked for
/// the size once more.
void ask_for_size(const Operation& operation, int fd) noexcept {
    if (operation.is_read() && operation.done > 0 && operation.file->traits.on_server) {
        struct stat status {};
        ::fstat(fd, &status);
    }
}

/// 0 or an errno. Once it has been accepted the operation may be gone.
int submit_on(int fd, Operation& operation, Context* context) noexcept {
    if (context == nullptr) {
        return EINVAL;
    }
    std::error_code error;
    ask_for_size(operation, fd);
    operation.iocb.raw().fd = static_cast<std::uint32_t>(fd);
    do {
        context->submit(operation.iocb, error);
    } while (error.value() == EINTR);
    return error.value();
}

/// True when Mailbox::signal() has to follow.
bool put(std::span<Operation* const> made, Mailbox& mailbox) noexcept {
    bool signals = false;
    for (Operation* const operation : made) {
        signals = mailbox.put(*operation) || signals;
    }
    return signals;
}

/// Operations that were made and are not published yet.
class Results {
public:
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool full() const noexcept { return size_ == all_.size(); }
    [[nodiscard]] std::span<Operation* const> all() const noexcept { return {all_.data(), size_}; }
    void add(Operation& operation) noexcept { all_[size_++] = &operation; }
    void publish(Mailbox& mailbox) noexcept {
        if (put({all_.data(), std::exchange(size_, 0)}, mailbox)) {
            mailbox.signal();
        }
    }

private:
    std::array<Operation*, 16> all_;
    std::size_t size_ = 0;
};

} // namespace

void WorkerPool::run(Task& task, Lock& lock) noexcept {
    shares_.begin_task();
    unlock_and_call(lock);
    task.run(task);
    lock.lock();
    shares_.end_task();
}

/// The operation's file is there until the result has been published, and not any longer.
void WorkerPool::call(Operation& operation, Lock& lock) noexcept {
    const WorkerShares::Call begun = begin(operation);
    unlock_and_call(lock);
    const WorkerTable::Entry entry = table_.find(operation);
    operation.result = entry.fd;
    if (entry.fd >= 0) {
        ask_for_size(operation, entry.fd);
        operation.result = blocking_call(operation, entry.fd, open_file(operation).traits.stream);
    }
    table_.release(entry);
    lock.lock();
    // Before the result is published: what the engine adds then needs no other worker to be called.
    end(begun);
    Operation* const made = &operation;
    publish({&made, 1}, lock);
}

/// One wake is for all of them.
void WorkerPool::publish(std::span<Operation* const> made, Lock& lock) noexcept {
    if (put(made, mailbox_)) {
        lock.unlock();
        mailbox_.signal();
        lock.lock();
    }
}

/// The same for a read of which the kernel can be told beforehand, and for those that wait behind
/// it while their pages are there. One wake is for all of them.
void WorkerPool::call_reads(Operation& first, Lock& lock) noexcept {
    OpenFile& file = open_file(first);
    Turn& turn = *first.turn;
    Results results;
    const WorkerShares::Call begun = begin(first);
    for (Operation* operation = &first; operation != nullptr;) {
        ReadAhead ahead;
        ahead.collect(turn.waiting());
        unlock_and_call(lock);
        const WorkerTable::Entry entry = table_.find(*operation);
        if (entry.fd >= 0) {
            ahead.tell(entry.fd);
            if (results.empty() || !read_at_once(*operation, entry.fd)) {
                results.publish(mailbox_);
                operation->result = blocking_call(*operation, entry.fd, false);
            }
        } else {
            operation->result = entry.fd;
        }
        table_.release(entry);
        lock.lock();
        results.add(*operation);
        completed(begun);
        Operation* const next = pass_turn(file, turn);
        const bool goes_on = !results.full() && !stopping_ && tasks_.empty() && operations_.empty();
        if (next != nullptr && !goes_on) {
            push(next); // other files have a turn as well
        }
        operation = goes_on ? next : nullptr;
    }
    end(begun);
    publish(results.all(), lock);
}

/// The same for a write into the page cache, with those that wait behind it and go on where it
/// ends. One wake is for all of them.
void WorkerPool::call_together(Operation& operation, Lock& lock) noexcept {
    OpenFile& file = open_file(operation);
    Turn& turn = *operation.turn;
    WriteRun run{operation};
    while (!turn.waiting().empty() && run.add(*turn.waiting().front())) {
        turn.remove_waiting(*turn.waiting().front());
    }
    const WorkerShares::Call begun = begin(operation);
    unlock_and_call(lock);
    const WorkerTable::Entry entry = table_.find(operation);
    for (Operation* const behind : run.all().subspan(1)) {
        table_.release(table_.find(*behind)); // the first one's keeps the file
    }
    if (entry.fd >= 0) {
        blocking_writes(run.all(), entry.fd);
    } else {
        for (Operation* const each : run.all()) {
            each->result = entry.fd;
        }
    }
    table_.release(entry);
    lock.lock();
    push(pass_turn(file, turn)); // this worker looks for it next
    end(begun);
    publish(run.all(), lock);
}

void WorkerPool::submit(Operation& operation, Lock& lock) noexcept {
    constexpr timespec pause{0, 1'000'000};
    const bool poll = operation.is_poll();
    Context* const context = context_;
    if (poll) {
        submitting_polls_.fetch_add(1, std::memory_order_relaxed);
    }
    const WorkerShares::Call begun = begin(operation);
    unlock_and_call(lock);
    const int fd = table_.find(operation).fd;
    const int error = fd < 0 ? -fd : submit_on(fd, operation, context);
    if (error != 0) {
        operation.result = -error;
        if (error == EAGAIN && !poll) {
            ::nanosleep(&pause, nullptr); // memory is short; it is tried again when this is seen
        }
        mailbox_.push(operation);
    }
    lock.lock();
    end(begun);
    if (poll) {
        submitting_polls_.fetch_sub(1, std::memory_order_relaxed);
        submitting_polls_.notify_all();
    }
}

// --- Shares -----------------------------------------------------------------------------------

WorkerShares::Call WorkerPool::call_on(const Operation& operation) noexcept {
    if (operation.request.kind == Kind::open) {
        return {nullptr, true}; // where its path leads is not known: to a server, or a FIFO
    }
    if (operation.file == nullptr) {
        return {};
    }
    const OpenFile& file = open_file(operation);
    return {file.file_system, file.traits.on_server};
}

void WorkerPool::push(Operation* operation) noexcept {
    if (operation != nullptr) {
        operation->is_slow = WorkerShares::is_slow(call_on(*operation));
        list_of(*operation).push(*operation);
    }
}

WorkerShares::Call WorkerPool::begin(const Operation& operation) noexcept {
    const WorkerShares::Call call = call_on(operation);
    shares_.begin(call);
    return call;
}

void WorkerPool::completed(const WorkerShares::Call& call) noexcept {
    if (shares_.completed(call)) [[unlikely]] {
        sort_operations();
    }
}

void WorkerPool::end(const WorkerShares::Call& call) noexcept {
    if (shares_.end(call)) [[unlikely]] {
        sort_operations();
    }
}

/// A file system has become slow, or is slow no more.
void WorkerPool::sort_operations() noexcept {
    const auto sort = [](Backlog& from, Backlog& to, bool slow) {
        from.move_to(to, [slow](Operation& operation) {
            const bool moves = WorkerShares::is_slow(call_on(operation)) == slow;
            operation.is_slow = moves ? slow : operation.is_slow;
            return moves;
        });
    };
    sort(operations_, slow_operations_, true);
    sort(slow_operations_, operations_, false);
}

void WorkerPool::look_at_file_systems(WorkerShares::Time now) noexcept {
    if (shares_.look(now)) {
        sort_operations();
    }
}

void WorkerPool::look(WorkerShares::Time now) noexcept {
    Lock lock{mutex_};
    look_at_file_systems(now);
    if (ready() > 0 && free_workers() == 0 && table_.is_programs() && may_start_another()) {
        start_another(lock);
    }
    note_hold_up();
    unlock_and_call(lock);
}

/// There are more operations than workers that there may be. Some of those may still be started.
void WorkerPool::note_hold_up() noexcept {
    const bool held_up = !operations_.empty() && !options_.spare_for_tasks &&
                         operations_.size() + shares_.busy() > most_workers();
    if (held_up != held_up_.load(std::memory_order_relaxed)) {
        held_up_.store(held_up, std::memory_order_relaxed);
    }
}

/// Until a call returns, even if a worker is started for each that may be.
bool WorkerPool::has_to_wait(const Operation& added) const noexcept {
    const unsigned most = most_workers();
    return added.is_slow ? slow_operations_.size() > shares_.slow_room(most)
                         : operations_.size() > shares_.room(most);
}

/// So many there may be for calls: those that the process refuses, and one that is there for the
/// tasks, are not among them.
unsigned WorkerPool::most_workers() const noexcept {
    unsigned all = workers_ - uncounted_ + std::min(worker_budget.room(), options_.limit + 1);
    if (options_.spare_for_tasks && all > 1) {
        --all;
    }
    return std::clamp(all, 1U, std::max(options_.limit, 1U));
}

/// Those that make up for others which slow calls hold, or are about to.
unsigned WorkerPool::workers_beyond() const noexcept {
    const unsigned most = most_workers();
    const bool begins = !slow_operations_.empty() && shares_.may_begin_slow(most);
    return shares_.beyond(most, begins ? 1 : 0);
}

std::size_t WorkerPool::ready() const noexcept {
    if (operations_.empty() && slow_operations_.empty()) {
        return 0;
    }
    const unsigned most = most_workers();
    return (shares_.may_begin(most) ? operations_.size() : 0) +
           (shares_.may_begin_slow(most) ? slow_operations_.size() : 0);
}

/// The lowest rank first; of one rank what is slow and what is not take turns.
Operation& WorkerPool::pick() noexcept {
    const unsigned most = most_workers();
    const unsigned rank = operations_.first_rank();
    const unsigned slow =
        shares_.may_begin_slow(most) ? slow_operations_.first_rank() : Backlog::ranks;
    const bool takes_slow = !shares_.may_begin(most) || slow < rank || (slow == rank && slow_next_);
    slow_next_ = !takes_slow;
    return *(takes_slow ? slow_operations_ : operations_).pop();
}

// --- Turns ------------------------------------------------------------------------------------

/// False where it waits for its turn.
bool WorkerPool::enter_turn(Operation& operation) noexcept {
    operation.turn = nullptr;
    operation.waits_for_turn = false;
    OpenFile& file = open_file(operation);
    if (operation.in_turn) {
        return file.write_turn.enter(operation);
    }
    if (!ReadAhead::suits(operation)) {
        return true;
    }
    operation.read_ahead = false;
    if (file.read_turn.enter(operation)) {
        return true;
    }
    if (!static_cast<Link<OpenFile, 2>&>(file).linked) {
        crowded_.push_back(file);
    }
    return false;
}

/// An operation that no worker has begun.
void WorkerPool::remove(Operation& operation) noexcept {
    OpenFile& file = open_file(operation);
    Turn* const turn = operation.turn;
    if (!operation.waits_for_turn) {
        list_of(operation).remove(operation);
        if (turn != nullptr) {
            push(pass_turn(file, *turn)); // to a worker that was called for this one
        }
        return;
    }
    turn->remove_waiting(operation);
    note_crowd(file);
}

/// To the operation behind, for which no worker was called. At the end of its rank: other files
/// have a turn as well.
Operation* WorkerPool::pass_turn(OpenFile& file, Turn& turn) noexcept {
    Operation* const next = turn.pass();
    if (next != nullptr) {
        note_crowd(file);
    }
    return next;
}

/// One that waited for its turn does so no more.
void WorkerPool::note_crowd(OpenFile& file) noexcept {
    if (static_cast<Link<OpenFile, 2>&>(file).linked && file.read_turn.waiting().empty()) {
        crowded_.remove(file);
    }
}

/// Those that have their turn may all wait for a part of the disk that does not answer.
void WorkerPool::look_at_reads() noexcept {
    for (OpenFile* file = crowded_.front(); file != nullptr;) {
        OpenFile& crowded = *file;
        file = List<OpenFile, 2>::next(crowded);
        if (Operation* const next = crowded.read_turn.look()) {
            push(next);
            note_crowd(crowded);
        }
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
