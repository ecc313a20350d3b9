// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/lazy_context.hpp"

#include "kernel/kernel.hpp"

#include <algorithm>
#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

constexpr unsigned least_polls = 16; // some wait for long: a timer's
constexpr unsigned most_polls = 64;
constexpr unsigned own_polls = 2; // on the wake descriptor and on the epoll descriptor
/// With more io_setup says EINVAL, whatever the system's limit is.
constexpr unsigned most_events = 0x10000000 / sizeof(kernel::EventLayout) / 2;
constexpr unsigned most_depth = most_events - most_polls - own_polls;

} // namespace

LazyContext::LazyContext(unsigned depth) noexcept
    : asked_(std::clamp(depth, 1U, most_depth)), depth_(asked_) {}

unsigned LazyContext::depth_within(std::uint64_t events) noexcept {
    if (events <= own_polls + least_polls) {
        return 0;
    }
    const std::uint64_t rest = events - own_polls;
    const std::uint64_t polls = std::clamp<std::uint64_t>(rest - rest / 2, least_polls, most_polls);
    return static_cast<unsigned>(std::min<std::uint64_t>(rest - polls, most_depth));
}

unsigned LazyContext::events_asked() const noexcept {
    return asked_ + std::clamp(asked_, least_polls, most_polls) + own_polls;
}

bool LazyContext::make() noexcept {
    if (!may_be_made_ || (interval_.count() > 0 && Clock::now() < next_try_)) {
        return false;
    }
    open();
    if (!error_) {
        may_be_made_ = false;
        made_.store(&*context_, std::memory_order_release);
        return true;
    }
    if (error_.value() != EAGAIN && error_.value() != ENOMEM) {
        may_be_made_ = false;
        return false;
    }
    interval_ = std::clamp(interval_ * 2, first_interval, longest_interval);
    next_try_ = Clock::now() + interval_;
    return false;
}

/// Smaller ones too: a shallow queue is slower, and works.
void LazyContext::open() noexcept {
    unsigned depth = asked_;
    unsigned least = least_polls;
    for (;;) {
        const unsigned polls = std::clamp(depth, least, most_polls);
        context_.emplace(depth + polls + own_polls, error_);
        if (!error_) {
            depth_ = depth;
            polls_ = polls;
            return;
        }
        context_.reset();
        if (error_.value() != EAGAIN) {
            return;
        }
        if (depth == 1) {
            least /= 2;
        }
        depth = std::max(depth / 2, 1U);
        if (depth + std::max(depth, least) + own_polls < least_events) {
            return;
        }
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
