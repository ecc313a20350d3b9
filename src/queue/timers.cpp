// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/timers.hpp"

#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace queue {

void Timers::grow() {
    heap_.reserve(heap_.capacity() * 2 + 16);
}

void Timers::add(Record& record) noexcept {
    heap_.push_back(&record);
    record.timer = heap_.size() - 1;
    up(record.timer);
}

void Timers::remove(Record& record) noexcept {
    const std::size_t place = std::exchange(record.timer, Record::no_timer);
    if (place == Record::no_timer) {
        return;
    }
    Record& last = *heap_.back();
    heap_.pop_back();
    if (&last != &record) {
        put(place, last);
        up(place);
        down(last.timer);
    }
}

void Timers::up(std::size_t place) noexcept {
    while (place > 0) {
        const std::size_t parent = (place - 1) / 2;
        if (heap_[parent]->deadline <= heap_[place]->deadline) {
            break;
        }
        Record& above = *heap_[parent];
        put(parent, *heap_[place]);
        put(place, above);
        place = parent;
    }
}

void Timers::down(std::size_t place) noexcept {
    for (;;) {
        std::size_t child = 2 * place + 1;
        if (child >= heap_.size()) {
            break;
        }
        if (child + 1 < heap_.size() && heap_[child + 1]->deadline < heap_[child]->deadline) {
            ++child;
        }
        if (heap_[place]->deadline <= heap_[child]->deadline) {
            break;
        }
        Record& below = *heap_[child];
        put(child, *heap_[place]);
        put(place, below);
        place = child;
    }
}

} // namespace queue
AIOXX_NAMESPACE_END
