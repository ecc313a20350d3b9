// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/event_wait.hpp"

#include "kernel/kernel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

#include <poll.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

constexpr std::chrono::nanoseconds retry = std::chrono::milliseconds{1};
/// A limit of time costs the processor what some twenty wake-ups do (bench/batch_reads.cpp).
constexpr std::size_t fewest_together = 32;
/// Are not waited for with the others, which are looked at while the device works on these.
constexpr std::size_t last_ones = 8;

std::chrono::nanoseconds earlier(const std::chrono::nanoseconds* limit,
                                 std::chrono::nanoseconds other) noexcept {
    return limit != nullptr ? std::min(*limit, other) : other;
}

/// ppoll; `limit`: null for none.
int poll_for(std::span<pollfd> sources, const std::chrono::nanoseconds* limit) noexcept {
    timespec time{};
    if (limit != nullptr) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*limit);
        time.tv_sec = static_cast<time_t>(seconds.count());
        time.tv_nsec = static_cast<long>((*limit - seconds).count());
    }
    return ::ppoll(sources.data(), sources.size(), limit != nullptr ? &time : nullptr, nullptr);
}

} // namespace

void EventWait::open(EventFd& wake, EventFd* counter, bool counter_blocks) noexcept {
    wake_ = &wake;
    counter_ = counter;
    counter_blocks_ = counter_blocks;
}

void EventWait::use_ring() noexcept {
    in_ring_.store(true, std::memory_order_release);
    if (mailbox_.has_sleeper(Mailbox::Sleep::ring)) {
        mailbox_.wake(); // it would not see what completes
    }
}

/// Completions are counted from now on.
void EventWait::lose_ring() noexcept {
    in_ring_.store(false, std::memory_order_relaxed);
    submitter_.count_in(counter_ != nullptr ? counter_->fd() : wake_->fd());
}

void EventWait::wait(const std::chrono::nanoseconds* limit, std::size_t least, bool has_unsubmitted,
                     std::error_code& error) noexcept {
    if (!mailbox_.begin_sleep(Mailbox::Sleep::ring)) {
        reap();
    } else if (is_in_ring() && !readiness_.is_without_poll()) {
        wait_in_ring(limit, least, has_unsubmitted, error);
    } else {
        wait_by_poll(limit, has_unsubmitted, error);
    }
    mailbox_.end_sleep(Mailbox::Sleep::ring);
}

void EventWait::reap() noexcept {
    std::error_code ignored;
    if (Context* const context = context_.get()) {
        context->reap(events_, ignored);
    }
}

void EventWait::wait_in_ring(const std::chrono::nanoseconds* limit, std::size_t least,
                             bool has_unsubmitted, std::error_code& error) noexcept {
    Context& context = *context_.get();
    if (has_unsubmitted) {
        context.wait_for(events_, 1, earlier(limit, retry), error);
    } else if (least >= fewest_together) {
        context.wait_for(events_, std::min(least - last_ones, events_.capacity()),
                         earlier(limit, longest_together), error);
    } else if (limit != nullptr) {
        context.wait_for(events_, 1, *limit, error);
    } else {
        context.wait(events_, 1, error);
    }
    if (is_refused(error.value())) [[unlikely]] {
        error.clear();
        lose_ring();
    }
}

void EventWait::wait_by_poll(const std::chrono::nanoseconds* limit, bool has_unsubmitted,
                             std::error_code& error) noexcept {
    // What was submitted before completions were counted ends without a word.
    const bool bounded = submitter_.has_uncounted() || has_unsubmitted;
    if (bounded && (limit == nullptr || *limit > retry)) {
        limit = &retry;
    }
    const int counter = counter_ != nullptr ? counter_->fd() : -1;
    std::array<pollfd, 3> sources{pollfd{wake_->fd(), POLLIN, 0}, pollfd{counter, POLLIN, 0},
                                  pollfd{readiness_.epoll_fd(), POLLIN, 0}};
    if (poll_for(sources, limit) < 0) {
        error.assign(errno, std::generic_category());
    }
    std::error_code nothing_there;
    wake_->read(nothing_there); // before looking, so that what comes later signals again
    if (counter_ != nullptr && !counter_blocks_) {
        counter_->read(nothing_there);
    }
    reap();
    readiness_.look();
}

void EventWait::await_event(std::chrono::nanoseconds limit) noexcept {
    if (!mailbox_.begin_sleep(Mailbox::Sleep::ring)) {
        mailbox_.end_sleep(Mailbox::Sleep::ring);
        return;
    }
    const Context* const context = context_.get();
    if (in_ring_.load(std::memory_order_acquire)) {
        // With no memory to write the event to the kernel does not take it: EFAULT.
        const int result = kernel::get_events(context->native_handle(), 1, 1, nullptr,
                                              std::max<std::int64_t>(limit.count(), 0), nullptr);
        if (is_refused(-result)) {
            in_ring_.store(false, std::memory_order_relaxed);
        }
    } else {
        // With a context nothing ends this wait but an event.
        constexpr std::chrono::nanoseconds look = std::chrono::milliseconds{10};
        limit = context != nullptr ? std::min(limit, look) : limit;
        std::array<pollfd, 2> sources{pollfd{wake_->fd(), POLLIN, 0},
                                      pollfd{readiness_.epoll_fd(), POLLIN, 0}};
        poll_for(sources, &limit);
        std::error_code nothing_there;
        wake_->read(nothing_there);
    }
    mailbox_.end_sleep(Mailbox::Sleep::ring);
}

} // namespace engine
AIOXX_NAMESPACE_END
