// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "queue/record.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// Records by deadline: a heap in which each knows its place, so that one can leave early.
class Timers {
public:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
    [[nodiscard]] Record& first() const noexcept { return *heap_.front(); }

    /// Makes room for one more, so that adding it cannot fail. Throws std::bad_alloc.
    void reserve_one() {
        if (heap_.size() == heap_.capacity()) {
            grow();
        }
    }
    void add(Record& record) noexcept;
    void remove(Record& record) noexcept;

private:
    void grow();
    void put(std::size_t place, Record& record) noexcept {
        heap_[place] = &record;
        record.timer = place;
    }
    void up(std::size_t place) noexcept;
    void down(std::size_t place) noexcept;

    std::vector<Record*> heap_;
};

} // namespace queue
AIOXX_NAMESPACE_END
