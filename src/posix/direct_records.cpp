// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/direct_records.hpp"

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The free ones lie in their order, and the last one freed goes first. So the highest that was
/// ever in use tells how many were at a time.
DirectRecords::DirectRecords() noexcept {
    for (std::uint32_t i = size; i > 0; --i) {
        push(i - 1);
    }
}

DirectRecords::Ticket DirectRecords::begin(int fd) noexcept {
    const std::uint32_t index = pop();
    if (index == none) {
        return {none, 0};
    }
    DirectRecord& record = all_[index];
    const std::uint32_t use = DirectRecord::use_of(record.word_.load()) + 1;
    record.fd_.store(fd, std::memory_order_relaxed);
    record.word_.store(DirectRecord::word_of(use, DirectRecord::in_progress));
    for (std::uint32_t most = deepest_.load(std::memory_order_relaxed);
         most <= index && !deepest_.compare_exchange_weak(most, index + 1);) {
    }
    return {index, use};
}

void DirectRecords::complete(const Ticket& ticket, std::int64_t result) noexcept {
    if (ticket.index >= size) {
        return;
    }
    std::uint64_t expected = DirectRecord::word_of(ticket.use, DirectRecord::in_progress);
    all_[ticket.index].word_.compare_exchange_strong(
        expected, DirectRecord::word_of(ticket.use, static_cast<int>(result)));
}

bool DirectRecords::take(DirectRecord& record, std::uint32_t use, int& result) noexcept {
    const DirectRecord::Answer answer = record.look(use);
    std::uint64_t expected = DirectRecord::word_of(use, answer.result);
    if (answer.is != DirectRecord::Is::complete ||
        !record.word_.compare_exchange_strong(expected,
                                              DirectRecord::word_of(use, DirectRecord::unused))) {
        return false;
    }
    result = answer.result;
    if (&record >= all_.data() && &record < all_.data() + size) { // else an earlier layer's
        push(static_cast<std::uint32_t>(&record - all_.data()));
    }
    return true;
}

void DirectRecords::withdraw(const Ticket& ticket) noexcept {
    all_[ticket.index].word_.store(DirectRecord::word_of(ticket.use, DirectRecord::unused));
    push(ticket.index);
}

bool DirectRecords::any_in_progress(int fd) const noexcept {
    const std::size_t ever = deepest();
    for (std::size_t i = 0; i < ever; ++i) {
        const DirectRecord& record = all_[i];
        if (DirectRecord::value_of(record.word_.load()) == DirectRecord::in_progress &&
            record.fd_.load(std::memory_order_relaxed) == fd) {
            return true;
        }
    }
    return false;
}

void DirectRecords::push(std::uint32_t index) noexcept {
    std::uint64_t first = free_.load();
    std::uint64_t changed = 0;
    do {
        all_[index].next_.store(static_cast<std::uint32_t>(first), std::memory_order_relaxed);
        changed = ((first >> 32U) + 1) << 32U | (index + 1);
    } while (!free_.compare_exchange_weak(first, changed));
}

std::uint32_t DirectRecords::pop() noexcept {
    std::uint64_t first = free_.load();
    std::uint64_t changed = 0;
    do {
        const auto index = static_cast<std::uint32_t>(first);
        if (index == 0) {
            return none;
        }
        changed =
            ((first >> 32U) + 1) << 32U | all_[index - 1].next_.load(std::memory_order_relaxed);
    } while (!free_.compare_exchange_weak(first, changed));
    return static_cast<std::uint32_t>(first) - 1;
}

} // namespace posix
AIOXX_NAMESPACE_END
