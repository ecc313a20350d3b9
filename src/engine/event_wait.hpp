// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/event_fd.hpp>

#include "engine/lazy_context.hpp"
#include "engine/mailbox.hpp"
#include "engine/readiness.hpp"
#include "engine/submitter.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <system_error>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// How a thread sleeps until something completes: in io_getevents, where a poll on the Mailbox's
/// eventfd is in the ring as well. Otherwise in a ppoll, and completions are counted in an eventfd:
/// without a context, or where the kernel knows no POLL, or refuses it or io_getevents.
///
/// Threads: the engine's, but for what says otherwise.
class EventWait {
public:
    /// How late a wake may be seen.
    static constexpr std::chrono::nanoseconds longest_together = std::chrono::milliseconds{4};

    EventWait(LazyContext& context, Mailbox& mailbox, Submitter& submitter, Readiness& readiness,
              EventBatch& events) noexcept
        : context_(context), mailbox_(mailbox), submitter_(submitter), readiness_(readiness),
          events_(events) {}

    /// `wake`: the Mailbox's. `counter`: where completions are counted, or null; `counter_blocks`:
    /// others read it.
    void open(EventFd& wake, EventFd* counter, bool counter_blocks) noexcept;

    [[nodiscard]] bool is_in_ring() const noexcept {
        return in_ring_.load(std::memory_order_relaxed);
    }
    /// The context has been made, and the poll on the Mailbox's eventfd is on its way.
    void use_ring() noexcept;
    void lose_ring() noexcept;

    /// Until something completes, at most `limit` (null: without limit), or the Mailbox is woken.
    /// What has completed is in the batch. `has_unsubmitted`: the kernel was short of memory, and
    /// what it did not take ends no wait. `least`: completions that may be waited for together,
    /// at most `longest_together`, which a wake of the Mailbox does not end then. EINTR is
    /// surfaced.
    void wait(const std::chrono::nanoseconds* limit, std::size_t least, bool has_unsubmitted,
              std::error_code& error) noexcept;
    /// The same without taking an event. Any thread, beside others that reap.
    void await_event(std::chrono::nanoseconds limit) noexcept;

private:
    void wait_in_ring(const std::chrono::nanoseconds* limit, std::size_t least,
                      bool has_unsubmitted, std::error_code& error) noexcept;
    void wait_by_poll(const std::chrono::nanoseconds* limit, bool has_unsubmitted,
                      std::error_code& error) noexcept;
    void reap() noexcept;

    LazyContext& context_;
    Mailbox& mailbox_;
    Submitter& submitter_;
    Readiness& readiness_;
    EventBatch& events_;
    EventFd* wake_ = nullptr;
    EventFd* counter_ = nullptr;
    bool counter_blocks_ = false;
    std::atomic<bool> in_ring_{false};
};

} // namespace engine
AIOXX_NAMESPACE_END
