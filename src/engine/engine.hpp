// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/context.hpp>
#include <aioxx/core/event_fd.hpp>
#include <aioxx/file/file.hpp>

#include "engine/file_state.hpp"
#include "engine/helpers.hpp"
#include "engine/operation.hpp"
#include "engine/statistics.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace engine {

enum class Cancelled : std::uint8_t {
    yes,       ///< It has completed with ECANCELED.
    requested, ///< The kernel was asked; its event will say how it ended.
    runs_on,   ///< It is of a kind that runs to its end.
    too_late,  ///< It has completed, or was never started.
};

/// Where the traps of kernel AIO are handled, once, for the queue and for the POSIX layer.
///
/// A state machine without callbacks: operations go in by start(), and come out of take(), each
/// exactly once. In between they are batched for submission, wait for room, for earlier
/// operations, or for a stream to become ready, and what would block io_submit is given to helper
/// threads that submit it on the same context.
///
/// One thread at a time uses it; only wake() is for others. What reaping does (reap, take) neither
/// allocates nor frees, starts no thread, and runs no code but the engine's own.
class Engine {
public:
    struct Options {
        unsigned depth = 128; // operations in the kernel at a time
        Helpers::Options helpers;
        bool nowait_always = false; // direct I/O as well: submit never blocks, at a price
        bool time_submits = false;  // fill Statistics::submit_time
        bool event_fd = false;      // have completions counted there
        /// And a read of it wait for the next, of which the engine is told by begin_wait().
        bool event_fd_blocks = false;
        /// The engine's own descriptors lie at the top of the table: the program's lowest free
        /// number stays what it was.
        bool high_descriptors = false;
        /// A file's number is its own only inside a call that begins with name_file() and ends with
        /// end_call(): outside, what waits goes on by way of a pin.
        bool numbers_expire = false;
        bool flush_after_reads =
            false; // where a flush waits for writes, it waits for reads as well
    };

    /// Tries smaller contexts when the system's limit is reached, down to a depth of 1.
    Engine(const Options& options, std::error_code& error);
    /// Waits until the kernel has let go of every operation that is still with it.
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// What is known of `file`; makes it at the first use. Throws std::bad_alloc then.
    FileState& state_of(const File& file);

    /// Takes an operation over. It enters the kernel with the next flush() at the latest, unless
    /// it has to wait.
    void start(Operation& operation) noexcept;
    /// Submits what is ready, by one call where nothing is refused, starts a helper if
    /// something waits for it, and takes the files back from idle ones.
    void flush() noexcept;
    /// The same without starting a thread; what needs one stays for the next flush().
    void flush_as_is() noexcept;
    /// Takes in what has completed, without waiting. Whether anything had.
    bool reap() noexcept;
    /// Whether reap() would find something. From any thread; makes no system call, but says yes
    /// where there is no ring to look at.
    [[nodiscard]] bool has_events() const noexcept {
        return helpers_->has_refused() || context_->has_events();
    }
    /// Waits for an event without taking it, or for wake(), `limit` at the most. From any thread,
    /// beside others that reap.
    void await_event(std::chrono::nanoseconds limit) noexcept;
    /// Around a read of the event descriptor that waits, with Options::event_fd_blocks. False:
    /// there is something to reap. From any thread.
    bool begin_wait() noexcept {
        helpers_->begin_wait(Helpers::Where::event_fd);
        return !helpers_->has_refused();
    }
    void end_wait() noexcept { helpers_->end_wait(Helpers::Where::event_fd); }
    /// Whether it is worth to look out for the end of operations that files were lent to, writes
    /// into memory: the helper that makes them need not be woken. Not where has_events() does not
    /// know. From any thread.
    [[nodiscard]] bool ends_soon() const noexcept {
        const std::size_t lent = lent_.load(std::memory_order_relaxed);
        return context_->reaps_from_ring() && (lent > 1 || (lent == 1 && helpers_->is_awake()));
    }
    /// Waits until something completes, `limit` at the most (null: without limit), wake() is
    /// called, or helpers have become idle. EINTR is surfaced.
    void wait(const std::chrono::nanoseconds* limit, std::error_code& error) noexcept;
    /// The next completed operation, which is the caller's again; null when there is none.
    Operation* take() noexcept {
        Operation* const operation = completed_.pop_front();
        if (operation != nullptr) {
            operation->state = State::idle;
        }
        return operation;
    }

    Cancelled cancel(Operation& operation) noexcept;

    /// With Options::numbers_expire: until end_call(), the number of `file` is known to be its own.
    void name_file(FileState& file) noexcept;
    /// Flushes and reaps; what has not entered the kernel by then has its file pinned, or has
    /// failed. May start a thread.
    void end_call() noexcept;

    /// Ends a wait(), now or the next one. From any thread; async-signal-safe.
    void wake() noexcept;

    /// For FileState: the number is about to be free for others.
    void file_closes(FileState& file) noexcept;
    /// In a forked child, which has copies of them; nothing else may be called there.
    void close_inherited_descriptors() noexcept;
    /// Before the engine ends on another thread than that of its files: they are told here, and
    /// nothing may be started or reaped any more.
    void forget_files() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return context_ && context_->is_open(); }
    [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }
    [[nodiscard]] std::size_t in_kernel() const noexcept { return used_ + polls_; }
    [[nodiscard]] std::size_t backlog() const noexcept { return backlog_.size(); }
    /// The kernel had no room: to be flushed again, and no event may come before.
    [[nodiscard]] bool has_unsubmitted() const noexcept { return !batch_.empty(); }
    [[nodiscard]] bool has_completed() const noexcept { return !completed_.empty(); }
    [[nodiscard]] unsigned depth() const noexcept { return depth_; }
    [[nodiscard]] std::size_t pins_made() { return helpers_->pins_made(); }
    /// -1 unless asked for by the options.
    [[nodiscard]] int event_fd() const noexcept { return event_fd_ ? event_fd_->fd() : -1; }
    /// What wake() signals: among the engine's descriptors the one that is used least.
    [[nodiscard]] int wake_fd() const noexcept { return wake_fd_ ? wake_fd_->fd() : -1; }
    [[nodiscard]] EventFd* event_counter() noexcept { return event_fd_ ? &*event_fd_ : nullptr; }

private:
    using Direction = FileState::Direction;

    // Opening (engine.cpp)
    void open_context(unsigned depth, std::error_code& error);
    void open_event_fd(std::optional<EventFd>& where, EventFd::Mode mode,
                       std::error_code& error) const noexcept;
    /// A descriptor that was just made, or -1, where the options want it.
    [[nodiscard]] int placed(int fd) const noexcept;

    // Cancelling (cancelling.cpp)
    Cancelled cancel_in_kernel(Operation& operation) noexcept;
    Cancelled cancel_waiting(Operation& operation) noexcept;
    void drop_readiness(Operation& poll) noexcept;
    void leave_batch(const Operation& operation) noexcept;
    OperationList leave_batch(const FileState& file) noexcept;

    // The way in (routing.cpp)
    Route choose_route(Operation& operation) noexcept;
    Route choose_direct_route(Operation& operation) noexcept;
    static void count_miss(Direction& direction) noexcept;
    static void suspect(const Operation& operation) noexcept;
    static void learn_from_submit(const Operation& operation, bool blocked) noexcept;
    void dispatch(Operation& operation) noexcept;
    void place(Operation& operation) noexcept;
    void batch(Operation& operation) noexcept;
    void hand_over(Operation& operation) noexcept;
    bool lend(Operation& operation) noexcept;
    void arm_internal(Operation& poll, int fd) noexcept;
    void pump_backlog() noexcept;
    [[nodiscard]] bool backlog_can_go() const noexcept {
        return (used_ < depth_ && !backlog_.empty()) ||
               (polls_ < poll_slots_ && !late_polls_.empty());
    }

    /// Whether flushes may have to wait for it.
    [[nodiscard]] bool holds_flushes(const Operation& operation) const noexcept {
        return operation.is_write() || (options_.flush_after_reads && operation.is_read());
    }

    // Submission (submission.cpp)
    void give_to_helpers() noexcept;
    void submit_batch() noexcept;
    std::size_t submit_some(std::size_t from) noexcept;
    static void learn_from_submits(std::span<const Iocb* const> accepted, bool blocked) noexcept;
    int submit_call(std::size_t from, std::size_t count, std::size_t& accepted) noexcept;
    bool submit_refused(Operation& operation, int error) noexcept;
    [[nodiscard]] bool is_own(const Operation& operation) const noexcept {
        return &operation == &wake_poll_ || &operation == &epoll_poll_;
    }
    [[nodiscard]] bool something_is_in_kernel() const noexcept;
    bool may_pass() noexcept;
    static bool file_knows_no_aio(const Operation& operation) noexcept;
    void go_by_call(Operation& operation) noexcept;

    // The way out (completion.cpp)
    void take_events() noexcept;
    void event(Operation& operation, std::int64_t result, std::int64_t result2) noexcept;
    void release_slot(Operation& operation) noexcept;
    void transferred(Operation& operation, std::int64_t result, State from) noexcept;
    void try_refused(Operation& operation, std::int64_t result) noexcept;
    void carry_on(Operation& operation) noexcept;
    static bool align_progress(Operation& operation, std::size_t before) noexcept;
    [[nodiscard]] bool at_end_of_file(const Operation& operation) const noexcept;
    void finish(Operation& operation, std::int64_t result) noexcept;
    void release_successors(FileState& file, Operation& operation) noexcept;
    void internal_event(Operation& operation) noexcept;
    void let_go_if_done(FileState& file) noexcept;

    // Streams and polls (streams.cpp)
    [[nodiscard]] int why_impossible(const Operation& operation) const noexcept;
    void attempt_stream(Operation& operation) noexcept;
    void await_readiness(Operation& operation) noexcept;
    void place_poll(Operation& operation) noexcept;
    void poll_by_epoll(Operation& operation) noexcept;
    bool update_epoll(FileState& file) noexcept;
    bool watch_by_number(FileState& file, std::uint32_t events) noexcept;
    bool watch_by_pin(FileState& file, std::uint32_t events) noexcept;
    bool open_epoll() noexcept;
    void cannot_be_watched(Operation& operation, int error) noexcept;
    void end_watches_in_vain() noexcept;
    [[nodiscard]] FileState* file_of(std::uint64_t registration) const noexcept;
    void epoll_is_ready() noexcept;
    void epoll_event(FileState& file, std::uint32_t events) noexcept;
    void stream_is_ready(Operation& readiness) noexcept;
    static void poll_impossible(const Operation& readiness) noexcept;
    void reopen_nonblocking(FileState& file) noexcept;
    static void close_reopened(FileState& file) noexcept;
    void end_stream_waits(FileState& file) noexcept;

    // Files
    [[nodiscard]] bool may_use_number(const FileState& file) const noexcept {
        return !file.closed && (!options_.numbers_expire || file.named);
    }
    void let_pin_go(FileState& file) noexcept;
    void unpin_idle() noexcept;
    void unpin(FileState& file) noexcept;
    bool ensure_pin(FileState& file) noexcept;
    bool start_and_pin(FileState& file) noexcept;
    /// The errno of what needs a helper when the file could not be kept for one. Who may try again
    /// later with the number that has expired is told so.
    [[nodiscard]] int why_unheld(const FileState& file) const noexcept;
    /// With no helper allowed calls are made here, but where the number is gone.
    [[nodiscard]] bool may_be_helped(const FileState& file) const noexcept {
        return options_.helpers.limit > 0 || !may_use_number(file);
    }

    // Declared before the context, so that what the kernel holds outlives it.
    std::optional<EventFd> wake_fd_;
    std::optional<EventFd> event_fd_;
    int epoll_fd_ = -1;
    Operation wake_poll_;
    Operation epoll_poll_;
    std::optional<Context> context_;
    std::optional<Helpers> helpers_;

    EventBatch events_;
    std::vector<Iocb*> batch_; // capacity for all that can be in the kernel
    unsigned depth_ = 0;
    unsigned poll_slots_ = 0;

    std::size_t used_ = 0;  // of depth_: in the batch, with helpers, in the kernel
    std::size_t polls_ = 0; // of poll_slots_
    std::size_t helper_jobs_ = 0;
    std::atomic<std::size_t> lent_{0};
    unsigned refusals_ = 0; // EAGAIN in a row, and when that began
    std::chrono::steady_clock::time_point refused_since_{};
    std::uint32_t chance_ = 1;

    OperationList backlog_;
    OperationList late_polls_; // of closed files, beyond the room for polls
    OperationList unhanded_;
    OperationList completed_;
    List<FileState> files_;
    List<FileState, 1> named_; // in the present call
    std::uint64_t last_file_ = 0;
    std::uint64_t epoll_waits_ = 0; // begun
    Statistics statistics_;
    Options options_;
};

} // namespace engine
AIOXX_NAMESPACE_END
