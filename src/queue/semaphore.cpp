// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/queue/semaphore.hpp>

#include "queue/wait_list.hpp"

AIOXX_NAMESPACE_BEGIN

using detail::WaitList;

Semaphore::Semaphore(Queue& queue, std::size_t permits)
    : queue_(&queue), list_(new WaitList{WaitList::Of::semaphore, permits}) {}

Semaphore::~Semaphore() {
    list_->close();
}

bool Semaphore::try_acquire() noexcept {
    return list_->take_permit();
}

void Semaphore::release(std::size_t permits) noexcept {
    list_->release(permits);
}

std::size_t Semaphore::available() const noexcept {
    return list_->permits();
}

AIOXX_NAMESPACE_END
