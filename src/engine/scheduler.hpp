// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/backlog.hpp"
#include "engine/file_record.hpp"
#include "engine/slots.hpp"
#include "engine/statistics.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Decides what every operation does next. Events go in by the functions below, commands come out
/// as lists of operations, and the parts of the engine carry them out and answer with events.
///
/// Pure: no system call, thread, clock or allocation, and nothing of chance. What becomes possible
/// by an event goes on a list, and one loop takes it off at the event's end: no function calls back
/// into another event. The work of an event depends on the operations that it concerns, and on no
/// others.
///
/// Each started operation gets to `done` exactly once.
class Scheduler {
public:
    struct Options {
        bool nowait_always = false;     // direct I/O is tried with NOWAIT as well
        bool flush_after_reads = false; // where a flush waits for writes, it waits for reads too
    };
    /// Which part has to give an operation back before it can be cancelled.
    enum class Recall : std::uint8_t {
        none,      // it is cancelled
        too_late,  // it has completed, or was never started
        kernel,    // io_cancel
        worker,    // WorkerPool::take_back
        readiness, // Readiness::take_back
    };

    Scheduler(const Options& options, Statistics& statistics) noexcept
        : options_(options), usual_reads_(!options.nowait_always && !options.flush_after_reads),
          statistics_(statistics) {}

    // Copying from or to the page cache takes the engine's thread as long as it is. More is a
    // worker's: the caller gains 40 us of 256 KiB, and the whole is slower up to 1 MiB.
    static constexpr std::size_t most_for_call = std::size_t{256} * 1024; // bytes of one operation
    static constexpr std::size_t most_for_pass = FileRecord::all_of_pass;

    // --- Events -----------------------------------------------------------------------------

    /// The engine's thread begins a new pass: it may copy as much again.
    void begin_pass() noexcept { called_ = 0; }

    /// The context has room for so many operations; 0: there is no kernel AIO. Those in flight keep
    /// their slots.
    void set_slots(std::size_t capacity) noexcept;
    /// An idle operation is started; its request and file are set.
    void start(Operation& operation) noexcept;
    /// It is to end. Cancels it where the scheduler has it; otherwise says who has.
    Recall cancel(Operation& operation) noexcept;
    /// The part that had it has given it back.
    void recalled(Operation& operation) noexcept;

    /// io_submit has accepted it. `alone`: it is the only one that the call has accepted. `slept`:
    /// the call put the thread to sleep.
    void submitted(Operation& operation, bool alone, bool slept) noexcept {
        operation.move_to(State::kernel);
        if (operation.watch != SubmitWatch::none) [[unlikely]] {
            operation.file->policy(operation).submitted(
                std::exchange(operation.watch, SubmitWatch::none), alone, slept);
        }
    }
    /// io_submit has refused it for good, on the engine's thread or on a worker's. Without kernel
    /// AIO it goes another way.
    void refused(Operation& operation, int error) noexcept;
    /// A worker's io_submit was refused for want of memory: once more.
    void refused_for_now(Operation& operation) noexcept;
    /// It is with the worker pool.
    void given_to_worker(Operation& operation) noexcept { operation.move_to(State::worker); }
    /// No worker can be had: the engine's thread submits it instead, and may sleep. False where
    /// that cannot be, as the file knows no AIO, it is an append in turn, or there is no slot: then
    /// the engine's thread makes the call, and tells by result().
    [[nodiscard]] bool submit_instead(Operation& operation) noexcept;
    /// Its call, or its event: bytes, or a negative errno.
    void result(Operation& operation, std::int64_t result, std::int64_t result2) noexcept;
    /// Its file is ready for `events`.
    void ready(Operation& operation, std::uint32_t events) noexcept;
    /// Its file cannot be waited for: an errno.
    void unwatchable(Operation& operation, int error) noexcept;
    /// Whether the file ends where the operation has got to.
    void probed(Operation& operation, bool at_end) noexcept;
    /// The file's number is not valid any more for the engine's thread: what was to be submitted
    /// or called goes to workers, Readiness's own polls of the file with it, and no end of the file
    /// is looked for.
    void expire(FileRecord& file) noexcept;
    /// No operation will be started on the file any more.
    void close(FileRecord& file) noexcept;
    /// The file systems of `holder` do not answer, or do so again.
    void set_slow(SlotHolder& holder, bool slow) noexcept;
    /// Something that kept the file beside its operations has ended: look again.
    void release(FileRecord& file) noexcept;

    // --- Commands ---------------------------------------------------------------------------

    OperationList to_call;       // make the call at once; then result()
    OperationList to_submit;     // io_submit; the engine's own polls go along
    OperationList to_run;        // for a worker
    OperationList to_watch;      // for Readiness
    OperationList to_probe;      // does the file end here?
    OperationList done;          // completed
    List<FileRecord> to_release; // no operation is under way on them

    // --- State ------------------------------------------------------------------------------

    [[nodiscard]] const Slots& slots() const noexcept { return slots_; }
    [[nodiscard]] std::size_t backlog_size() const noexcept { return backlog_.size(); }

private:
    [[nodiscard]] bool start_usual(Operation& operation) noexcept;
    void start_any(Operation& operation) noexcept;
    bool enter_append(Operation& operation) noexcept;
    void go_on(Operation& operation) noexcept;
    void dispatch(Operation& operation) noexcept;
    void dispatch_in_order(Operation& operation) noexcept;
    [[nodiscard]] bool needs_slot(const Operation& operation) const noexcept;
    [[nodiscard]] bool is_small(const Operation& operation) const noexcept;
    void place(Operation& operation) noexcept;
    void to_worker(Operation& operation) noexcept;
    void wait_for_readiness(Operation& operation) noexcept;
    void take_slot(Operation& operation) noexcept;
    void give_back_slot(Operation& operation) noexcept;
    [[gnu::noinline]] void any_result(Operation& operation, std::int64_t result,
                                      std::int64_t result2) noexcept;
    void transferred(Operation& operation, std::int64_t result, bool by_worker) noexcept;
    void try_refused(Operation& operation, int error) noexcept;
    void transfer_is_unwatchable(Operation& operation, int error) noexcept;
    void after_probe(Operation& operation, bool at_end) noexcept;
    void refuse_end(Operation& operation) noexcept;
    void carry_on(Operation& operation) noexcept;
    void fail(Operation& operation, int error) noexcept;
    void cancelled(Operation& operation) noexcept;
    void finish(Operation& operation, std::int64_t result) noexcept;
    void leave_order(Operation& operation) noexcept;
    void complete(Operation& operation, std::int64_t result) noexcept;
    /// What an event has made possible.
    void advance() noexcept {
        if (!released_.empty() || (!backlog_.empty() && may_leave_backlog())) [[unlikely]] {
            advance_all();
        }
    }
    void advance_all() noexcept;
    /// Without kernel AIO nothing needs a slot, and where slow file systems hold too many nothing
    /// waits for one.
    [[nodiscard]] bool may_leave_backlog() const noexcept {
        return slots_.available() || slots_.capacity() == 0 || slots_.are_short();
    }
    /// What is slow leaves some to the rest. Where there are none, and no waiting for one, workers
    /// make the calls.
    [[nodiscard]] bool has_slots_for(const FileRecord& file) const noexcept {
        return file.slots->is_slow()
                   ? slots_.available_to_slow()
                   : slots_.available() || (slots_.capacity() > 0 && !slots_.are_short());
    }
    [[nodiscard]] RoutePolicy::Question question(const Operation& operation) const noexcept;
    [[nodiscard]] bool holds_flushes(const Operation& operation) const noexcept {
        return operation.is_write() || (options_.flush_after_reads && operation.is_read());
    }

    Options options_;
    bool usual_reads_; // they wait for nothing, nothing for them, and none is tried
    Statistics& statistics_;
    Slots slots_;
    Backlog backlog_;
    std::size_t called_ = 0; // bytes that this pass has copied, or is to copy
    OperationList released_; // may go on, as what was in front of them has ended
};

} // namespace engine
AIOXX_NAMESPACE_END
