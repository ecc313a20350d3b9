// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/context.hpp>

#include "engine/open_file.hpp"
#include "engine/statistics.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Submits on the engine's thread: many operations by one io_submit, partial submits, and what each
/// errno means.
class Submitter {
public:
    /// What one call came back with.
    struct Answer {
        std::size_t accepted = 0;     // from the front of the list
        bool slept = false;           // the call put the thread to sleep; told for watched ones
        Operation* refused = nullptr; // the one behind those, if it will never be accepted
        int error = 0;                // why
    };

    Submitter(Statistics& statistics, bool time_submits) noexcept
        : statistics_(statistics), time_submits_(time_submits) {}

    /// `event_fd`: counts completions; -1 for none.
    void open(Context& context, int event_fd) noexcept;

    /// Completions are counted in `event_fd` from here on.
    void count_in(int event_fd) noexcept {
        uncounted_ = event_fd_ < 0 ? in_kernel_ : 0;
        event_fd_ = event_fd;
    }
    /// Whether operations are in the kernel, or on their way by a worker, that were prepared before
    /// that.
    [[nodiscard]] bool has_uncounted() const noexcept {
        return uncounted_ > 0 || uncounted_by_workers_ > 0;
    }

    /// Before a worker gets it, which puts the number in and submits it.
    void prepare_for_worker(Operation& operation) noexcept {
        operation.prepare(-1, event_fd_);
        uncounted_by_workers_ += goes_uncounted_by_worker(operation) ? 1U : 0U;
    }
    /// Its event has come, or none will: no worker has submitted it. Of those that no worker was to
    /// submit nothing is noted.
    void returned_by_worker(const Operation& operation) noexcept {
        uncounted_by_workers_ -= goes_uncounted_by_worker(operation) ? 1U : 0U;
    }

    /// One io_submit from the front of `list`, up to what is to be watched alone. The list must not
    /// be empty; it keeps what was accepted, which the caller takes off. Neither accepted nor
    /// refused: the kernel has no room now.
    Answer submit(OperationList& list) noexcept;

    /// Of the engine's own polls, which are always there, no room comes.
    void accepted_poll(const Operation& poll) noexcept {
        in_kernel_ -= poll.file == nullptr ? 1U : 0U;
    }
    /// An event has come. Counts operations in the kernel that this class has submitted, but for
    /// the engine's own two polls: as long as there is one, room will come.
    void ended(const Operation& operation) noexcept {
        if (operation.way != Way::worker_submit && operation.file != nullptr) [[likely]] {
            --in_kernel_;
            if (uncounted_ > 0 && !is_counted(operation)) {
                --uncounted_;
            }
        } else {
            returned_by_worker(operation);
        }
        refusals_ = 0;
    }
    /// Whether EAGAIN is worth another try: something is with the kernel, and makes room when it
    /// ends, or EAGAIN has not been said for a second and a thousand tries.
    bool may_pass() noexcept;

private:
    static constexpr std::size_t most_at_once = 256;

    /// What a batch needs beside the call.
    struct Batch {
        std::size_t count = 0;
        bool watched = false; // it is to be seen whether the call sleeps
        bool signals = false; // signals have to be kept away from the thread
    };

    static bool is_counted(const Operation& operation) noexcept {
        return (operation.iocb.raw().flags & 1U) != 0; // IOCB_FLAG_RESFD
    }
    static bool goes_uncounted_by_worker(const Operation& operation) noexcept {
        return operation.way == Way::worker_submit && !operation.is_poll() &&
               !is_counted(operation);
    }
    void add(Operation& operation, Batch& batch) noexcept;
    [[nodiscard]] Batch gather(const OperationList& list) noexcept;
    [[nodiscard]] std::size_t call_without_signals(std::span<Iocb* const> iocbs,
                                                   std::error_code& error) noexcept;
    void refuse(OperationList& list, int error, Answer& answer) noexcept;

    Context* context_ = nullptr;
    Statistics& statistics_;
    const bool time_submits_;
    int event_fd_ = -1;
    std::size_t in_kernel_ = 0;
    std::size_t uncounted_ = 0;            // in the kernel, submitted here
    std::size_t uncounted_by_workers_ = 0; // with workers, or submitted by them; no polls
    unsigned refusals_ = 0;                // EAGAIN in a row
    std::chrono::steady_clock::time_point refused_since_{};
    std::array<Iocb*, most_at_once> batch_;
};

} // namespace engine
AIOXX_NAMESPACE_END
