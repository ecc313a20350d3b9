// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>
#include <aioxx/file/file.hpp>
#include <aioxx/queue/completion.hpp>
#include <aioxx/queue/operation.hpp>
#include <aioxx/queue/request.hpp>
#include <aioxx/queue/statistics.hpp>
#include <aioxx/queue/task_node.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN

/// What cancelling came to.
enum class CancelOutcome : std::uint8_t {
    cancelled, ///< It had not begun, or was waiting: it completes with operation_canceled.
    requested, ///< The kernel was asked. The completion says whether it was in time.
    runs_on,   ///< It is with the disk, and runs to its end.
    too_late,  ///< It has completed.
};

/// Asynchronous file I/O with the traps of kernel AIO taken care of.
///
/// **What it owns.** Operations, the context, buffers that were moved in, and tasks that were
/// started, until the kernel has let go of each. Memory that is passed as a span is borrowed: it
/// stays until the completion has been delivered, and the destructor waits for it.
///
/// **Threads.** One thread uses a queue: whichever runs it. Only post(), request_cancel() and
/// stop() are for others. A File is closed on the thread of the queue that works on it.
///
/// **Its end.** Once close() or the destructor has been called nothing begins any more. start()
/// is refused with ECANCELED, also in the callbacks that are still to come; a task that awaits one
/// more operation is not resumed, and its frame is destroyed; one that is spawned is destroyed
/// unbegun. What was under way is delivered, once each, cancelled or done. So whatever starts
/// itself again comes to its end there. The throwing start()'s refusal, or a cancelled wait, may
/// leave callbacks and tasks then as an exception: it is dropped.
///
/// **Blocking.** Starting does not block: what would block in the kernel is given to helper
/// threads (doc/submission.md). run() waits, run_ready() never does.
///
/// **Fork.** In a child a queue is inert: operations on it fail with EINVAL, its destructor does
/// nothing.
class AIOXX_API Queue {
public:
    struct Options {
        /// Operations in the kernel at a time; more wait in the queue. Smaller when the system's
        /// limit (fs.aio-max-nr) leaves no room: depth() tells. A queue that was destroyed just
        /// before may still take its part: its context goes in the background.
        unsigned depth = 128;
        /// Operations started and not completed; starting one more fails with EAGAIN.
        std::size_t limit = 65536;
        /// Threads, at most, for calls that block, and how long an idle one stays. With none the
        /// queue's own thread makes those calls.
        unsigned helpers = 16;
        std::chrono::nanoseconds helper_idle = std::chrono::seconds{1};
        /// Count completions in event_fd(), for an event loop of one's own.
        bool use_event_fd = false;
        /// Never let a submit block, on direct I/O either: RWF_NOWAIT for everything. Costs where
        /// files refuse it without need (XFS and btrfs refuse overwrites).
        bool nowait_always = false;
        /// Fill the histogram of the time inside submit. Two readings of the clock a call.
        bool time_submits = false;
    };

    Queue() : Queue(Options{}) {}
    explicit Queue(const Options& options) {
        std::error_code error = no_error();
        open(&options, sizeof(options), error);
        if (error) {
            throw_error(error, "Queue: io_setup");
        }
    }
    Queue(const Options& options, std::error_code& error) {
        open(&options, sizeof(options), error);
    }

    Queue(Queue&&) = delete;
    Queue& operator=(Queue&&) = delete;
    /// Cancels what can be, waits for borrowed memory, delivers every completion that there is,
    /// destroys the frames of tasks, and leaves the rest, owned buffers and the context, to a
    /// thread in the background. Exceptions that leave callbacks meanwhile are dropped. Not from
    /// inside a callback or a task.
    ~Queue();

    /// Reads up to `buffer.size()` bytes at `offset`; fewer where the kernel gives fewer.
    Operation<std::size_t> read(const File& file, std::span<std::byte> buffer,
                                std::int64_t offset) {
        return {*this, transfer(detail::Request::Kind::read, file, buffer, offset)};
    }
    Operation<std::size_t> write(const File& file, std::span<const std::byte> buffer,
                                 std::int64_t offset) {
        return {*this, transfer(detail::Request::Kind::write, file, writable(buffer), offset)};
    }
    /// The same with memory that the operation owns until its completion hands it back.
    Operation<Transfer> read(const File& file, AlignedBuffer&& buffer, std::int64_t offset) {
        return {*this, owning(detail::Request::Kind::read, file, std::move(buffer), offset)};
    }
    Operation<Transfer> write(const File& file, AlignedBuffer&& buffer, std::int64_t offset) {
        return {*this, owning(detail::Request::Kind::write, file, std::move(buffer), offset)};
    }

    /// Reads until `buffer` is full or the file ends: fewer bytes are the end of the file, and
    /// nothing else.
    Operation<std::size_t> read_exact(const File& file, std::span<std::byte> buffer,
                                      std::int64_t offset) {
        return {*this, exact(transfer(detail::Request::Kind::read, file, buffer, offset))};
    }
    /// Writes all of `buffer`, or fails.
    Operation<std::size_t> write_all(const File& file, std::span<const std::byte> buffer,
                                     std::int64_t offset) {
        return {*this,
                exact(transfer(detail::Request::Kind::write, file, writable(buffer), offset))};
    }
    Operation<Transfer> read_exact(const File& file, AlignedBuffer&& buffer, std::int64_t offset) {
        return {*this, exact(owning(detail::Request::Kind::read, file, std::move(buffer), offset))};
    }
    Operation<Transfer> write_all(const File& file, AlignedBuffer&& buffer, std::int64_t offset) {
        return {*this,
                exact(owning(detail::Request::Kind::write, file, std::move(buffer), offset))};
    }

    /// Scatter and gather. The array is copied when the operation begins; the memory is borrowed.
    Operation<std::size_t> readv(const File& file, std::span<const iovec> buffers,
                                 std::int64_t offset) {
        return {*this, vectored(detail::Request::Kind::readv, file, buffers, offset)};
    }
    Operation<std::size_t> writev(const File& file, std::span<const iovec> buffers,
                                  std::int64_t offset) {
        return {*this, vectored(detail::Request::Kind::writev, file, buffers, offset)};
    }

    /// Flushes the file. Each has its own result: none is merged with another or tried again.
    Operation<void> fsync(const File& file) {
        return {*this, on(detail::Request::Kind::fsync, file)};
    }
    Operation<void> fdatasync(const File& file) {
        return {*this, on(detail::Request::Kind::fdatasync, file)};
    }

    /// Waits until the file is ready for `events` (poll(2)'s bits), and gives the bits that are.
    Operation<std::uint32_t> poll(const File& file, std::uint32_t events) {
        detail::Request request = on(detail::Request::Kind::poll, file);
        request.poll_events = events;
        return {*this, std::move(request)};
    }

    Operation<void> sleep_until(std::chrono::steady_clock::time_point time) {
        return Operation<void>{*this, detail::Request{}}.until(time);
    }
    Operation<void> sleep_for(std::chrono::nanoseconds span) {
        return sleep_until(detail::from_now(span)); // the longest has no end
    }

    /// Completes when fewer operations are outstanding than Options::limit allows.
    Operation<void> room() {
        detail::Request request;
        request.kind = detail::Request::Kind::room;
        return {*this, std::move(request)};
    }

    /// Runs until nothing is outstanding: no operation that was started and not delivered, no
    /// posted call. A task counts by the operation that it waits for: one that waits for something
    /// else, another thread's post() say, keeps run() from nothing.
    ///
    /// An exception that leaves a callback, a posted call or a spawned task comes out here, or of
    /// run_once() or run_ready(), when what has completed has been delivered; running may go on
    /// afterwards. Of several each call raises one, in their order, before it does anything else.
    void run();
    /// Waits for at least one completion, delivers what there is; false when nothing is
    /// outstanding.
    bool run_once();
    /// Delivers what has completed and submits what is ready. Never blocks. Returns how many
    /// completions and posted calls were delivered.
    std::size_t run_ready();
    /// Ends a run() or run_once(), this one or the next. From any thread.
    void stop() noexcept;

    /// Submits what was started inside a callback now, and not when the callback returns.
    void flush() noexcept;

    /// Has `callable()` called by the queue's thread. From any thread; up to 48 bytes.
    template <typename Callable>
    void post(Callable&& callable) {
        auto message = [call = std::forward<Callable>(callable)](Completion&) mutable { call(); };
        auto handler = std::make_unique<detail::Handler>();
        handler->emplace(std::move(message));
        post_handler(std::move(handler));
    }

    CancelOutcome cancel(OperationId operation) noexcept;
    /// Every operation on `file`; returns how many were cancelled or asked to be.
    std::size_t cancel(const File& file) noexcept;
    std::size_t cancel_all() noexcept;
    /// cancel() for other threads: the queue's thread does it when it runs. Async-signal-safe it is
    /// not.
    void request_cancel(OperationId operation);

    struct Left {
        std::size_t outstanding = 0; ///< Their completions are still to come.
        std::size_t quarantined = 0; ///< Timed out, with memory that the kernel still holds.
    };
    /// Starts nothing any more (see the top), cancels what can be, and runs until all is done or
    /// `deadline` has come. What is left then goes on: close again, or destroy.
    ///
    /// With nothing outstanding any more, and not from inside a callback, it destroys the frames
    /// of tasks that wait for what was refused; others stay until the destructor. What left
    /// callbacks and tasks is raised at the end, as by run(), cancelling apart.
    Left close(std::chrono::steady_clock::time_point deadline);

    /// Readable whenever run_ready() has something to do; EINVAL unless Options::use_event_fd. Do
    /// not read it: run_ready() does.
    [[nodiscard]] int event_fd() const;

    [[nodiscard]] std::size_t outstanding() const noexcept;
    [[nodiscard]] unsigned depth() const noexcept;
    [[nodiscard]] QueueStatistics statistics() const noexcept {
        QueueStatistics now;
        read_statistics(&now, sizeof(now));
        return now;
    }

    struct Implementation;

private:
    template <typename>
    friend class Operation;
    template <typename>
    friend class OperationAwaiter;
    friend class TaskAccess;

    using Kind = detail::Request::Kind;

    static std::span<std::byte> writable(std::span<const std::byte> buffer) noexcept {
        return {const_cast<std::byte*>(buffer.data()), buffer.size()};
    }
    static detail::Request on(Kind kind, const File& file) noexcept {
        detail::Request request;
        request.kind = kind;
        request.file = &file;
        return request;
    }
    static detail::Request transfer(Kind kind, const File& file, std::span<std::byte> buffer,
                                    std::int64_t offset) noexcept {
        detail::Request request = on(kind, file);
        request.data = buffer.data();
        request.length = buffer.size();
        request.offset = offset;
        return request;
    }
    static detail::Request owning(Kind kind, const File& file, AlignedBuffer&& buffer,
                                  std::int64_t offset) noexcept {
        detail::Request request = transfer(kind, file, buffer, offset);
        request.buffer = std::move(buffer);
        return request;
    }
    static detail::Request vectored(Kind kind, const File& file, std::span<const iovec> buffers,
                                    std::int64_t offset) noexcept {
        detail::Request request = on(kind, file);
        request.data = const_cast<iovec*>(buffers.data());
        request.length = buffers.size();
        request.offset = offset;
        return request;
    }
    static detail::Request exact(detail::Request&& request) noexcept {
        request.exact = true;
        return std::move(request);
    }

    void open(const Options* options, std::size_t size, std::error_code& error);
    /// A record for `request`, whose handler is to be filled in; null with an errno.
    detail::Handler* prepare(detail::Request& request, int& error);
    OperationId launch(detail::Handler& handler) noexcept;
    void discard(detail::Handler& handler) noexcept;
    void post_handler(std::unique_ptr<detail::Handler> handler);

    /// For tasks: one that is started and not ended, resumed so that what it starts is batched.
    void begin_task(detail::TaskNode& task);
    void end_task(detail::TaskNode& task) noexcept;
    /// One that has awaited what was refused because the queue closes.
    void park_task(detail::TaskNode& task) noexcept;
    void task_failed(std::exception_ptr failure) noexcept;
    /// As run_once(), and waits for posted calls when nothing else is outstanding.
    void step();
    void read_statistics(QueueStatistics* out, std::size_t size) const noexcept;

    Implementation* implementation_ = nullptr;
};

template <typename Result>
template <typename Callback>
OperationId Operation<Result>::start(Callback&& callback, std::error_code& error) && {
    int failure = 0;
    detail::Handler* const handler = queue_->prepare(request_, failure);
    if (handler == nullptr) [[unlikely]] {
        error.assign(failure, std::generic_category());
        return {};
    }
    if (error) {
        error.assign(0, std::generic_category());
    }
    try {
        handler->emplace(std::forward<Callback>(callback));
    } catch (...) {
        queue_->discard(*handler);
        throw;
    }
    return queue_->launch(*handler);
}

template <typename Result>
template <typename Callback>
OperationId Operation<Result>::start(Callback&& callback) && {
    std::error_code error = no_error();
    const OperationId id = std::move(*this).start(std::forward<Callback>(callback), error);
    if (error) {
        throw_error(error, "Operation::start");
    }
    return id;
}

AIOXX_NAMESPACE_END
