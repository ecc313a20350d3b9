// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/wait_list.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace detail {

using queue::Record;

void WaitList::close() noexcept {
    if (!waiting_.empty() && !queue_->is_copy()) {
        const queue::Entry entry{queue_->owner, "the end of a Condition or Semaphore"};
        while (engine::Operation* const next = waiting_.pop_front()) {
            auto& record = static_cast<Record&>(*next);
            record.request.data = nullptr;
            --references_;
            queue_->finish_own(record, ECANCELED);
        }
        queue_->signal_outside();
    }
    drop_reference();
}

void WaitList::enter(Queue::Implementation& queue, Record& record) noexcept {
    ++references_;
    if (take_permit()) {
        queue.finish_own(record, 0);
        return;
    }
    queue_ = &queue;
    waiting_.push_back(record);
}

void WaitList::leave(Record& record) noexcept {
    waiting_.remove(record);
    forget(record);
}

void WaitList::forget(Record& record) noexcept {
    record.request.data = nullptr;
    drop_reference();
}

void WaitList::pass_on(Record& record) noexcept {
    if (of_ == Of::semaphore) {
        release(1);
    } else {
        tell(1);
    }
    forget(record);
}

void WaitList::tell(std::size_t most) noexcept {
    if (waiting_.empty() || queue_->is_copy()) {
        return;
    }
    const queue::Entry entry{queue_->owner, "the notice of a Condition or Semaphore"};
    for (std::size_t left = std::min(most, waiting_.size()); left > 0; --left) {
        // It keeps its reference until it is delivered.
        queue_->finish_own(static_cast<Record&>(*waiting_.pop_front()), 0);
    }
    queue_->signal_outside();
}

void WaitList::release(std::size_t permits) noexcept {
    const std::size_t waiting = std::min(permits, waiting_.size());
    tell(waiting);
    permits_ += permits - waiting;
}

bool WaitList::take_permit() noexcept {
    const bool there = permits_ > 0;
    permits_ -= there ? 1 : 0;
    return there;
}

void WaitList::drop_reference() noexcept {
    if (--references_ == 0) {
        delete this;
    }
}

} // namespace detail
AIOXX_NAMESPACE_END
