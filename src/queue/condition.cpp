// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/queue/condition.hpp>

#include "queue/wait_list.hpp"

#include <cstdint>

AIOXX_NAMESPACE_BEGIN

using detail::WaitList;

Condition::Condition(Queue& queue)
    : queue_(&queue), list_(new WaitList{WaitList::Of::condition, 0}) {}

Condition::~Condition() {
    list_->close();
}

void Condition::notify_one() noexcept {
    list_->tell(1);
}

void Condition::notify_all() noexcept {
    list_->tell(SIZE_MAX);
}

std::size_t Condition::waiting() const noexcept {
    return list_->size();
}

AIOXX_NAMESPACE_END
