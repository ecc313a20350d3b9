// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>
#include <aioxx/engine/cancellation.hpp>
#include <aioxx/file/buffer_pool.hpp>
#include <aioxx/file/file.hpp>
#include <aioxx/queue/completion.hpp>
#include <aioxx/queue/operation.hpp>
#include <aioxx/queue/outstanding.hpp>
#include <aioxx/queue/request.hpp>
#include <aioxx/queue/statistics.hpp>
#include <aioxx/queue/task_node.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <stop_token>
#include <system_error>
#include <type_traits>
#include <utility>

#include <sys/uio.h>

AIOXX_NAMESPACE_BEGIN

/// Asynchronous file I/O with the traps of kernel AIO taken care of.
///
///     aioxx::Queue queue;
///     queue.read(file, block, 0).start(
///         [](const aioxx::Completion& done) { use(done.bytes()); });
///     queue.run(); // calls it
///
/// **Ownership.** A queue owns operations, its context, buffers that were moved in, and tasks that
/// were started, until the kernel is done with each. Memory that is passed as a span is borrowed:
/// it stays until the completion has been delivered, and the destructor waits for it.
///
/// **Memory.** What is borrowed is any contiguous range of std::byte, or of another type that is
/// trivially copyable: std::span, std::vector, std::string, std::array, AlignedBuffer. It stays
/// until the completion. What is moved in is the operation's until its completion hands it back: an
/// AlignedBuffer; a std::vector or a std::string, which takes an allocation; or a Part of one.
///
/// **Offset.** Without one a transfer is for streams, where there is none, and for appends; on
/// another file it is refused with EINVAL.
///
/// **Files.** A File may be closed or destroyed by any thread while operations are under way on it,
/// but not while one is being started. An owned descriptor keeps its number until the last of them
/// has ended. A borrowed one is kept open by its owner until they are complete.
///
/// **Threads.** One thread at a time uses a queue: the one that runs it, which calls all callbacks
/// and resumes all tasks. post(), request_cancel() and stop() are for any thread; as soon as the
/// queue's thread has seen what they tell it may destroy the queue, returned or not. statistics(),
/// outstanding() and quarantined() are for any thread as well, and need the queue until they
/// return.
///
/// **Callbacks.** They may do with their queue what they like: start, cancel, post, run_ready(),
/// close(). So may the destructors of what they hold, which belong to the callback in what follows.
/// To wait for it there, by run() or run_once(), is EDEADLK, and to destroy it is an error that
/// `-Dchecks=enabled` finds. Where they lie 32 deep on the stack, run_ready() and close() deliver
/// nothing: those outside do. A thread may end inside one, by pthread_exit, but not inside the
/// destructor: the next thread that runs the queue goes on with the rest.
///
/// **Its end.** Once close() or the destructor has been called nothing begins any more. start()
/// is refused with ECANCELED, also in the callbacks that are still to come. A task that awaits one
/// more operation is not resumed, and its frame is destroyed. A task that is spawned is destroyed
/// without having begun. What was under way is delivered, once each, cancelled or done. So a
/// callback that starts its own operation again ends there. The throwing start()'s refusal, or a
/// cancelled wait, may leave callbacks and tasks then as an exception: it is dropped.
///
/// **Blocking.** Starting does not block: what would block goes to workers, threads of the queue's
/// own that make plain calls. Direct I/O goes there once submits have been seen to sleep
/// (doc/queue.md). run() waits, run_ready() never does.
///
/// **Without a queue.** Where the construction has failed, and in a forked child, a queue is inert.
/// Operations, tasks, post() and event_fd() fail with EINVAL, and so does the run() of a task that
/// has forked; everything else, the destructor included, does nothing and
/// answers 0, false or too_late.
///
/// **Errors.** What a call refuses is thrown, or set where it takes a std::error_code; how an
/// operation ended is in its Completion, and thrown where it is awaited.
class AIOXX_API Queue {
public:
    /// How a queue is made.
    ///
    ///     aioxx::Queue::Options options;
    ///     options.depth = 32;
    ///     options.use_event_fd = true;
    ///     aioxx::Queue queue{options};
    struct Options {
        /// Operations in the kernel at a time, at least 1; more wait in the queue. Smaller when the
        /// system's limit (fs.aio-max-nr) leaves no room: depth() tells. A queue that was destroyed
        /// just before may still take its part: its context goes in the background.
        unsigned depth = 128;
        /// Operations started and not completed, at least 1; starting one more fails with EAGAIN.
        /// Waits for capacity are not among them.
        std::size_t limit = 65536;
        /// Workers, at most: threads that make calls which block. With 0 the queue's own thread
        /// makes those calls. All queues together: worker_limit().
        unsigned workers = 16;
        /// How long an idle worker stays.
        std::chrono::nanoseconds worker_idle = std::chrono::seconds{1};
        /// Have event_fd(), for an event loop of one's own.
        bool use_event_fd = false;
        /// Never let a submit block, on direct I/O either: RWF_NOWAIT for everything. Costs where
        /// files refuse it without need (XFS and btrfs refuse overwrites).
        bool nowait_always = false;
        /// Fill the histogram of the time inside submit. Two readings of the clock a call.
        bool time_submits = false;
        /// Fail to open where there is no kernel AIO, with io_setup's error. Otherwise the queue
        /// works by its workers alone there: slower, with the same results.
        bool needs_kernel_aio = false;
        /// Bytes, at most, in copies of borrowed memory: an operation with a deadline, with a stop
        /// token or in a when_any() works on one, so that it can be given up, and so do those that
        /// are unaligned(). Each takes a power of two of them, 4096 or more. They are made as they
        /// are needed, and kept for the next.
        std::size_t copy_limit = std::size_t{16} << 20;
    };

    /// With the Options as they are. Throws as below.
    Queue() : Queue(Options{}) {}
    /// Makes descriptors, and neither threads nor the context, which the first operation that wants
    /// it makes. Throws std::system_error, whose text names the step that has failed and what was
    /// asked for, used and allowed; and std::bad_alloc.
    explicit Queue(const Options& options) { open(&options, sizeof(options), nullptr); }
    /// With an error it is as good as closed: nothing can be started, and there is nothing to run.
    Queue(const Options& options, std::error_code& error) {
        open(&options, sizeof(options), &error);
    }

    Queue(Queue&&) = delete;
    Queue& operator=(Queue&&) = delete;
    /// Cancels what can be, waits for borrowed memory, delivers every completion and posted call
    /// that there is (what callbacks refer to has to be there still), destroys the frames of tasks,
    /// and leaves the rest, owned buffers and the context, to a thread in the background.
    /// Exceptions that leave callbacks meanwhile are dropped. Not from inside a callback or a task.
    ~Queue();

    /// Whether operations can be started: it was made, by this process, and is not closed.
    [[nodiscard]] bool is_open() const noexcept;

    /// Reads as many bytes as the memory has room for, from `offset` on, in bytes from the start of
    /// the file. Gives the bytes read: fewer where the kernel gives fewer, 0 at the end of the
    /// file. `buffer` is borrowed: it stays until the completion.
    Operation<std::size_t> read(detail::LastingFile file, detail::Lasting<std::byte> buffer,
                                detail::Offset offset = {}) {
        return {*this, detail::transfer(Kind::read, file, buffer, offset)};
    }
    /// Writes the bytes of `buffer` at `offset`. Gives the bytes written, which may be fewer.
    /// `buffer` is borrowed: it stays, unchanged, until the completion.
    Operation<std::size_t> write(detail::LastingFile file, detail::Lasting<const std::byte> buffer,
                                 detail::Offset offset = {}) {
        return {*this, detail::transfer(Kind::write, file, buffer, offset)};
    }
    /// The same with memory that is moved in: `co_await` gives a Transfer or TransferOf, with the
    /// memory.
    template <detail::Movable Memory>
    Operation<detail::MovedResult<Memory>> read(detail::LastingFile file, Memory&& memory,
                                                detail::Offset offset = {}) {
        return {*this, detail::owning(Kind::read, file, std::forward<Memory>(memory), offset)};
    }
    /// The same with memory that is moved in.
    template <detail::Movable Memory>
    Operation<detail::MovedResult<Memory>> write(detail::LastingFile file, Memory&& memory,
                                                 detail::Offset offset = {}) {
        return {*this, detail::owning(Kind::write, file, std::forward<Memory>(memory), offset)};
    }

    /// Reads until the memory is full or the file ends: fewer bytes are the end of the file, and
    /// nothing else.
    Operation<std::size_t> read_full(detail::LastingFile file, detail::Lasting<std::byte> buffer,
                                     detail::Offset offset = {}) {
        return {*this, detail::exact(detail::transfer(Kind::read, file, buffer, offset))};
    }
    /// Writes all of the memory, or fails.
    Operation<std::size_t> write_all(detail::LastingFile file,
                                     detail::Lasting<const std::byte> buffer,
                                     detail::Offset offset = {}) {
        return {*this, detail::exact(detail::transfer(Kind::write, file, buffer, offset))};
    }
    /// The same with memory that is moved in.
    template <detail::Movable Memory>
    Operation<detail::MovedResult<Memory>> read_full(detail::LastingFile file, Memory&& memory,
                                                     detail::Offset offset = {}) {
        return {*this, detail::exact(
                           detail::owning(Kind::read, file, std::forward<Memory>(memory), offset))};
    }
    /// The same with memory that is moved in.
    template <detail::Movable Memory>
    Operation<detail::MovedResult<Memory>> write_all(detail::LastingFile file, Memory&& memory,
                                                     detail::Offset offset = {}) {
        return {*this, detail::exact(detail::owning(Kind::write, file, std::forward<Memory>(memory),
                                                    offset))};
    }

    /// Reads into several pieces of memory, one after the other. The array is copied when the
    /// operation begins; the memory is borrowed. More than 1024 parts are refused with EINVAL, as
    /// the kernel takes no more.
    Operation<std::size_t> readv(detail::LastingFile file, detail::Lasting<const iovec> buffers,
                                 detail::Offset offset = {}) {
        return {*this, detail::transfer(Kind::readv, file, buffers, offset)};
    }
    /// Writes several pieces of memory, one after the other, with the same rules.
    Operation<std::size_t> writev(detail::LastingFile file, detail::Lasting<const iovec> buffers,
                                  detail::Offset offset = {}) {
        return {*this, detail::transfer(Kind::writev, file, buffers, offset)};
    }

    /// Flushes data and metadata of the file. Each has its own result: none is merged with another
    /// or tried again.
    Operation<void, OperationKind::flush> fsync(detail::LastingFile file) {
        return {*this, detail::request_for(Kind::fsync, file)};
    }
    /// Flushes the data, and of the metadata what reading it back needs. The rest is as with
    /// fsync().
    Operation<void, OperationKind::flush> fdatasync(detail::LastingFile file) {
        return {*this, detail::request_for(Kind::fdatasync, file)};
    }

    /// Opens a file, as File::open() does: a worker makes the call, which may wait for a disk or a
    /// server. `co_await` gives the File; a callback takes it by Completion::take_file(). The path
    /// is copied; anything with c_str() is one, too; null is EFAULT. `mode`: of a file that is
    /// made. As a server may never answer, and a FIFO never have a writer, opens take at most three
    /// quarters of the workers; one that is given up keeps its worker until it has ended.
    Operation<File, OperationKind::open> open(const char* path, int flags, unsigned mode = 0666) {
        detail::Request request;
        request.kind = Kind::open;
        request.bits = static_cast<std::uint32_t>(flags);
        request.offset = mode;
        request.buffer = hold_path(path);
        request.data = request.buffer.data();
        return {*this, std::move(request)};
    }
    template <detail::HasCStr Path>
    Operation<File, OperationKind::open> open(const Path& path, int flags, unsigned mode = 0666) {
        return open(path.c_str(), flags, mode);
    }

    /// Changes the room that the file has from `offset` on, for `length` bytes: fallocate(2), whose
    /// `mode` it takes. A worker makes the call. It does not wait for writes that are under way.
    Operation<void, OperationKind::resize> fallocate(detail::LastingFile file, int mode,
                                                     std::int64_t offset, std::int64_t length) {
        detail::Request request = detail::request_for(Kind::fallocate, file);
        request.bits = static_cast<std::uint32_t>(mode);
        request.offset = offset;
        request.room = length;
        return {*this, std::move(request)};
    }
    /// Sets the file's size, in bytes: ftruncate(2). The rest is as with fallocate().
    Operation<void, OperationKind::resize> ftruncate(detail::LastingFile file, std::int64_t size) {
        detail::Request request = detail::request_for(Kind::ftruncate, file);
        request.offset = size;
        return {*this, std::move(request)};
    }

    /// Waits until the file is ready for `events` (poll(2)'s bits), and gives the bits that are.
    Operation<std::uint32_t, OperationKind::poll> poll(detail::LastingFile file,
                                                       std::uint32_t events) {
        detail::Request request = detail::request_for(Kind::poll, file);
        request.bits = events;
        return {*this, std::move(request)};
    }

    /// Ends at `time`, not before. Its within() or until() may end it earlier, with timed_out.
    Operation<void, OperationKind::sleep> sleep_until(std::chrono::steady_clock::time_point time) {
        detail::Request request;
        request.kind = Kind::sleep;
        request.deadline = time;
        request.has_deadline = true;
        request.can_be_given_up = true;
        return {*this, std::move(request)};
    }
    /// Ends after `span`, counted from this call on.
    Operation<void, OperationKind::sleep> sleep_for(std::chrono::nanoseconds span) {
        return sleep_until(detail::from_now(span)); // the longest has no end
    }

    /// Ends with the next delivery: a task that computes for long lets others go on before it does,
    /// and timers, posted calls and completions be looked at. One that yields for ever keeps run()
    /// running, and nothing waiting; run_ready() comes to an end all the same. As any operation it
    /// takes a place of Options::limit.
    ///
    ///     co_await queue.yield();
    Operation<void, OperationKind::yield> yield() {
        detail::Request request;
        request.kind = Kind::yield;
        return {*this, std::move(request)};
    }

    /// Completes when fewer operations are outstanding than Options::limit allows, and when there
    /// is room for the copy that was refused last before it begins (Options::copy_limit). Others
    /// may take that room first: smaller ones can keep a large one waiting as long as they come.
    Operation<void, OperationKind::capacity> wait_for_capacity() {
        detail::Request request;
        request.kind = Kind::capacity;
        return {*this, std::move(request)};
    }

    /// Operations that were given up and go on all the same, with memory that the queue keeps. From
    /// any thread.
    [[nodiscard]] std::size_t quarantined() const noexcept;
    /// Completes when all that is in quarantine as it begins has ended, well or not.
    Operation<void, OperationKind::quarantine> wait_for_quarantine() {
        detail::Request request;
        request.kind = Kind::quarantine;
        return {*this, std::move(request)};
    }
    /// Completes when this one has ended, as it ended: bytes or error, and the buffer that was
    /// moved in. Where it is not in quarantine (any more): ENOENT. Another such wait for the same
    /// one has no buffer.
    Operation<Transfer, OperationKind::quarantine> wait_for_quarantine(OperationId operation) {
        detail::Request request;
        request.kind = Kind::quarantine;
        request.exact = true;
        request.offset = static_cast<std::int64_t>(operation.value);
        return {*this, std::move(request)};
    }

    /// Completes when `pool` has a buffer, which it gives: in the order in which it was asked, by
    /// this queue and others. A buffer that comes back on another thread wakes the queue. The pool
    /// has to be there when this begins; when it goes first this ends with operation_canceled. A
    /// buffer that is given to what has no user any more goes to the next.
    Operation<AlignedBuffer, OperationKind::buffer> buffer(BufferPool& pool) {
        detail::Request request;
        request.kind = Kind::buffer;
        request.data = pool.store_;
        return {*this, std::move(request)};
    }

    /// Runs until nothing is outstanding: no operation that was started and not delivered, no
    /// posted call. A task counts by the operation that it waits for. One that waits for something
    /// else, another thread's post() say, does not count: run() returns all the same.
    ///
    /// An exception that leaves a callback, a posted call or a spawned task comes out here, or of
    /// run_once() or run_ready(), when what has completed has been delivered; running may go on
    /// afterwards. Of several each call raises one, in their order, before it does anything else.
    ///
    /// std::system_error with EDEADLK inside a callback, posted call or task of this queue.
    void run();
    /// The same until `token` is asked to stop, from whichever thread: run() then returns after the
    /// delivery that it is in, and what is outstanding stays so. stop() ends it as well. Other than
    /// stop(), which ends the next run() where none runs, a token ends no other than this one.
    void run(std::stop_token token);
    /// Waits for at least one completion, delivers what there is; false when nothing is
    /// outstanding. EDEADLK as run().
    bool run_once();
    /// Delivers what has completed and was posted by then, ends what is past its deadline, and
    /// submits what is ready. Never blocks, and leaves to the next call what its callbacks begin:
    /// it comes to an end also where that completes at once. Returns how many completions and
    /// posted calls were delivered.
    std::size_t run_ready();
    /// Ends a run() or run_once(), this one or the next; run(token) ends it by a token, once and
    /// for all. The run() of a task is not ended: what it awaits has a stop token for that. From
    /// any thread. Async-signal-safe.
    void stop() noexcept;

    /// Submits what was started inside a callback now, and not when the callback returns.
    void flush() noexcept;

    /// Has `callable()` called by the queue's thread. From any thread; up to 48 bytes.
    template <typename Callable>
    void post(Callable&& callable) {
        static_assert(std::is_invocable_v<std::decay_t<Callable>&>,
                      "post takes what can be called without arguments; a task is handed over by "
                      "aioxx::post(queue, std::move(task))");
        auto message = [call = std::forward<Callable>(callable)](Completion&) mutable { call(); };
        auto handler = std::make_unique<detail::Handler>();
        handler->emplace(std::move(message));
        post_handler(std::move(handler));
    }

    /// Gives one up: it has completed already, or completes with operation_canceled in the next
    /// run() or run_ready(), whatever the kernel does with it. There is one exception: where the
    /// kernel holds memory that is borrowed and not copied, the answer is `runs_on`, and it ends
    /// by itself.
    Cancellation cancel(OperationId operation) noexcept;
    /// Every operation on `file`; returns how many were cancelled or asked to be.
    std::size_t cancel(const File& file) noexcept;
    /// Every operation of this queue; returns how many were cancelled or asked to be.
    std::size_t cancel_all() noexcept;
    /// cancel() for other threads: the queue's thread does it when it runs. Allocates nothing, so a
    /// stop callback may call it. Not async-signal-safe.
    void request_cancel(OperationId operation) noexcept;

    /// What close() leaves.
    ///
    ///     if (queue.close_for(5s).outstanding > 0) { ... }
    struct Left {
        std::size_t outstanding = 0; ///< Their completions are still to come.
        std::size_t quarantined = 0; ///< Given up, and not ended: quarantined().
    };
    /// Starts nothing any more (see the top), cancels what can be, and runs until all is done or
    /// `deadline` has come. What is left then goes on: close again, or destroy.
    ///
    /// With nothing outstanding any more, and not from inside a callback, it destroys the frames
    /// of tasks that wait for what was refused; others stay until the destructor. What left
    /// callbacks and tasks is raised at the end, as by run(), cancelling apart.
    [[nodiscard]] Left close(std::chrono::steady_clock::time_point deadline);
    /// The same for at most `span`, however long.
    [[nodiscard]] Left close_for(std::chrono::nanoseconds span) {
        return close(detail::from_now(span));
    }

    /// An epoll descriptor, readable whenever run_ready() has something to do; EINVAL unless
    /// Options::use_event_fd. It stays the same, with kernel AIO and without.
    [[nodiscard]] int event_fd() const;

    /// How many operations were started and are not told to their users. From any thread.
    [[nodiscard]] std::size_t outstanding() const noexcept;
    /// Describes what is outstanding, and what is in quarantine, from the oldest on, but that those
    /// on one file are neighbours. Fills `into` as far as it goes, and returns how many there are.
    /// Allocates nothing, makes no system call. By the queue's thread; a debugger reads the same
    /// from a stopped process (doc/queue.md, What is outstanding).
    [[nodiscard]] std::size_t
    list_outstanding(std::span<OutstandingOperation> into) const noexcept {
        return read_outstanding(into.data(), into.size(), sizeof(OutstandingOperation));
    }
    /// As asked for until the first operation wants kernel AIO.
    [[nodiscard]] unsigned depth() const noexcept;
    /// The largest Options::depth with which a queue takes at most so much of fs.aio-max-nr; 0 for
    /// less than 19. Beside the operations it has room for its polls, up to 66.
    [[nodiscard]] static unsigned depth_within(std::uint64_t share) noexcept;
    /// Whether direct I/O goes by kernel AIO; otherwise workers make all calls, as io_setup or
    /// io_submit is refused (ENOSYS, EPERM), or fs.aio-max-nr is used up (then it may change).
    /// Makes the context. By the queue's thread.
    [[nodiscard]] bool uses_kernel_aio() noexcept;
    /// From any thread. The first five members add up in each copy; the others are of about the
    /// same moment, but where the queue's own thread asks: of this one.
    [[nodiscard]] QueueStatistics statistics() const noexcept {
        QueueStatistics now;
        read_statistics(&now, sizeof(now));
        return now;
    }

private:
    struct Implementation;

    template <typename, OperationKind>
    friend class Operation;
    template <typename>
    friend class OperationAwaiter;
    friend class Batch;
    friend class BatchAwaiter;
    friend class detail::TaskAccess;
    friend class detail::WaitList;

    using Kind = engine::Kind;

    void open(const Options* options, std::size_t size, std::error_code* error);
    /// A record for `request`, whose handler is to be filled in; null with an errno, and then
    /// `request` is as it was. Throws std::bad_alloc.
    detail::Handler* prepare(detail::Request& request, int& error);
    /// Begins what was prepared. Throws what the callback's copy throws, and `request` is as it
    /// was.
    template <typename Callback>
    OperationId begin(detail::Handler& handler, detail::Request& request, Callback&& callback);
    OperationId launch(detail::Handler& handler) noexcept;
    /// Gives back what prepare() has taken from `request`.
    void discard(detail::Handler& handler, detail::Request& request) noexcept;
    static AlignedBuffer hold_path(const char* path);
    [[noreturn]] static void throw_refused(const detail::Request& request, int error);
    [[noreturn]] static void throw_failed(const detail::Request& request,
                                          const detail::StartedFile& file, int error);
    void post_handler(std::unique_ptr<detail::Handler> handler);
    /// Gives up one whose callback is not to be called any more: its coroutine goes. Waits where
    /// the kernel holds memory that is borrowed.
    void forget(OperationId operation) noexcept;

    /// For tasks: one that is started and not ended, resumed so that what it starts is batched.
    void begin_task(detail::TaskNode& task);
    void end_task(detail::TaskNode& task) noexcept;
    /// One that has awaited what was refused because the queue closes.
    void park_task(detail::TaskNode& task) noexcept;
    void task_failed(std::exception_ptr failure) noexcept;
    /// Throws EDEADLK where step() would wait for what is below it on the stack.
    void expect_to_wait() const;
    /// As run_once(), and waits for posted calls when nothing else is outstanding. `expected`:
    /// operations without whose end its caller can do nothing; all may be waited for together.
    void step(std::size_t expected = 1);
    std::size_t read_outstanding(void* out, std::size_t room, std::size_t size) const noexcept;
    void read_statistics(QueueStatistics* out, std::size_t size) const noexcept;

    Implementation* implementation_ = nullptr;
};

template <typename Callback>
OperationId Queue::begin(detail::Handler& handler, detail::Request& request, Callback&& callback) {
    try {
        handler.emplace(std::forward<Callback>(callback));
    } catch (...) {
        discard(handler, request);
        throw;
    }
    return launch(handler);
}

template <typename Result, OperationKind kind>
template <typename Callback>
OperationId Operation<Result, kind>::start(Callback&& callback, std::error_code& error) {
    int failure = 0;
    detail::Handler* const handler = this->queue().prepare(this->request(), failure);
    if (handler == nullptr || error) [[unlikely]] {
        error.assign(failure, std::generic_category());
    }
    return handler == nullptr
               ? OperationId{}
               : this->queue().begin(*handler, this->request(), std::forward<Callback>(callback));
}

template <typename Result, OperationKind kind>
template <typename Callback>
OperationId Operation<Result, kind>::start(Callback&& callback) {
    int failure = 0;
    detail::Handler* const handler = this->queue().prepare(this->request(), failure);
    if (handler == nullptr) [[unlikely]] {
        Queue::throw_refused(this->request(), failure);
    }
    return this->queue().begin(*handler, this->request(), std::forward<Callback>(callback));
}

AIOXX_NAMESPACE_END
