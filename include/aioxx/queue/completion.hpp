// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/aligned_buffer.hpp>
#include <aioxx/file/file.hpp>
#include <aioxx/kernel/namespace.hpp>
#include <aioxx/queue/memory.hpp>
#include <aioxx/queue/operation_id.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN

/// How an operation on a Queue ended. A failure is data in here, not an exception.
///
///     void read_done(aioxx::Completion& done) {
///         if (!done.error()) {
///             use(done.buffer().first(done.bytes()));
///         }
///         free_buffers.push_back(done.take_buffer());
///     }
///     queue.read(file, std::move(buffer), offset).start(&read_done);
class Completion {
public:
    /// Of an operation that has not ended: no error, and no bytes.
    Completion() noexcept = default;
    /// For the library, and for tests of callbacks. A `result` below 0 is an errno.
    Completion(std::int64_t result, std::int64_t result2, std::size_t bytes, bool end_of_file,
               AlignedBuffer buffer, OperationId abandoned = {}) noexcept
        : result_(result), result2_(result2), bytes_(bytes), end_of_file_(end_of_file),
          buffer_(std::move(buffer)), abandoned_(abandoned) {}

    /// For a plain read or write what the kernel returned, as it came; for a poll the bits that are
    /// ready; for the others bytes, or 0, or the descriptor that was opened. A negative errno for
    /// what failed.
    [[nodiscard]] std::int64_t result() const noexcept { return result_; }
    /// The event's second result, uninterpreted.
    [[nodiscard]] std::int64_t result2() const noexcept { return result2_; }

    /// No error, or why it failed: std::errc::timed_out past its deadline, operation_canceled when
    /// it was cancelled.
    [[nodiscard]] std::error_code error() const noexcept {
        return {result_ < 0 ? static_cast<int>(-result_) : 0, std::generic_category()};
    }
    /// Whether the error is operation_canceled.
    [[nodiscard]] bool cancelled() const noexcept { return result_ == -ECANCELED; }
    /// Whether the error is timed_out.
    [[nodiscard]] bool timed_out() const noexcept { return result_ == -ETIMEDOUT; }

    /// Bytes transferred, also by the parts before the one that failed.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// A read that met the end of the file: one that has no bytes, or, of those that go on after a
    /// short answer (read_full, and unaligned ones), fewer than were asked for.
    [[nodiscard]] bool end_of_file() const noexcept { return end_of_file_; }

    /// It was given up, by a deadline, a stop token or cancelling, when it was with the kernel or
    /// in a worker's call: a write may still reach the file, even over a later one. One that was
    /// given up before never does.
    [[nodiscard]] bool is_abandoned() const noexcept { return abandoned_ != OperationId{}; }
    /// The same, by the name for Queue::wait_for_quarantine(); a default one otherwise.
    [[nodiscard]] OperationId abandoned() const noexcept { return abandoned_; }

    /// The buffer that was moved in, or that Queue::buffer() has waited for; empty for borrowed
    /// memory and after take_buffer(). Of an abandoned operation it is not here: the kernel may
    /// still write into it.
    [[nodiscard]] const AlignedBuffer& buffer() const noexcept { return buffer_; }
    /// The same, handed over: once, then it is empty.
    [[nodiscard]] AlignedBuffer take_buffer() noexcept { return std::move(buffer_); }
    /// The std::vector or std::string that was moved in; an empty one where that was of another
    /// type than `Memory`, or where take_buffer() is empty.
    template <typename Memory>
    [[nodiscard]] Memory take_memory() {
        return detail::HeldMemory<Memory>::take(buffer_);
    }
    /// The File that Queue::open() has opened, handed over: once, then it is one that is not open,
    /// as it is of other operations. What is not taken is closed with the completion.
    [[nodiscard]] AIOXX_API File take_file() noexcept;

private:
    std::int64_t result_ = 0;
    std::int64_t result2_ = 0;
    std::size_t bytes_ = 0;
    bool end_of_file_ = false;
    AlignedBuffer buffer_;
    OperationId abandoned_;
};

AIOXX_NAMESPACE_END
