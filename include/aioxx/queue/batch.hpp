// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/queue.hpp>

#include <coroutine>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

AIOXX_NAMESPACE_BEGIN

class BatchAwaiter;

/// Operations that begin together, by one io_submit where they go by kernel AIO, and whose end is
/// waited for together. Each has a result of its own: what fails or is refused is told alone.
///
///     aioxx::Batch batch{queue};
///     for (const Range& range : ranges) {
///         batch.add(queue.read(range.file, range.memory, range.offset));
///     }
///     batch.wait(); // or co_await batch, or batch.start(callback)
///     for (const aioxx::Completion& result : batch.results()) { ... }
///
/// Ownership: of the operations, and of their results with the buffers that were moved in. Files
/// and arrays of iovec stay where they are until the batch has begun (a vector that grows moves its
/// Files), and memory that was passed as a span until it is done. One task awaits it
/// (std::logic_error for another one), and it outlives that wait. A queue that is destroyed first
/// ends what is under way. The destructor gives that up, and where the kernel holds borrowed memory
/// it waits.
///
/// Threads: the queue's.
class AIOXX_API Batch {
public:
    /// An empty one, of operations of `queue`, which stays its owner's.
    explicit Batch(Queue& queue) noexcept : queue_(&queue) {}
    /// Gives up what is under way. Blocks only where the kernel holds borrowed memory.
    ~Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    /// Makes room for so many. Throws std::bad_alloc, as add() does.
    void reserve(std::size_t operations);
    /// One more operation of the same queue, which begins with the others. Its place is the size()
    /// before. std::logic_error once the batch has begun, and for an operation that has begun, was
    /// moved from, or is another queue's.
    template <typename Result, OperationKind kind>
    void add(Operation<Result, kind>&& operation) {
        add(operation.queue(), operation.request());
    }
    template <typename Result, OperationKind kind>
    void add(Operation<Result, kind>& /*operation*/) {
        detail::asks_for_move<Result>();
    }
    /// Forgets operations and results, and keeps the memory for the next. std::logic_error while
    /// any is under way.
    void clear();

    /// Begins all, and returns at once. std::logic_error when the batch has begun before.
    void start() { start_with(nullptr); }
    /// The same, and `callback()` is called by the queue's thread when the last has ended, never
    /// from in here. It holds up to 48 bytes, and may destroy the batch.
    template <typename Callback>
    void start(Callback&& callback) {
        auto handler = std::make_unique<detail::Handler>();
        handler->emplace(
            [call = std::forward<Callback>(callback)](Completion&) mutable { call(); });
        start_with(std::move(handler));
    }
    /// Begins all where start() has not, and runs the queue until they have ended, whatever else is
    /// outstanding. Other completions are delivered meanwhile. What other threads post, or
    /// cancel, may take 4 ms while nothing but a batch is outstanding of which the kernel has 32 or
    /// more. What leaves other
    /// callbacks is raised, and wait() may be called again. EDEADLK inside a callback or task of
    /// the queue.
    void wait();
    /// Begins all where start() has not, and waits in a coroutine. Failures are data, in results().
    /// Defined in <aioxx/task/awaiter.hpp>.
    BatchAwaiter operator co_await() noexcept;

    /// Whether it has begun, and all have ended.
    [[nodiscard]] bool is_done() const noexcept { return begun_ && left_ == 0; }
    /// How many operations were added.
    [[nodiscard]] std::size_t size() const noexcept { return requests_.size(); }
    /// How each ended, in the order of add(); a default Completion while it has not. What was
    /// refused has the error of Operation::start, and its buffer.
    [[nodiscard]] std::span<Completion> results() noexcept { return results_; }
    [[nodiscard]] std::span<const Completion> results() const noexcept { return results_; }

private:
    friend class BatchAwaiter;

    void add(const Queue& queue, detail::Request& request);
    void start_with(std::unique_ptr<detail::Handler> callback);
    void start_all() noexcept;
    void start_one(std::size_t place) noexcept;
    void ended(std::size_t place, Completion& completion);

    Queue* queue_;
    std::vector<detail::Request> requests_;
    std::vector<Completion> results_;
    std::vector<OperationId> ids_; // of those under way
    std::size_t left_ = 0;
    bool begun_ = false;
    bool closed_ = false; // the queue was, when it began
    std::coroutine_handle<> waiter_;
    std::unique_ptr<detail::Handler> callback_;
};

AIOXX_NAMESPACE_END
