// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/request.hpp>

#include "engine/operation.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// One started operation: the engine's record, what the completion calls, and what it owns.
struct Record : engine::Operation, detail::Handler {
    static constexpr std::size_t no_timer = ~std::size_t{0};

    AlignedBuffer buffer;
    std::vector<iovec> vectors; // a copy of the user's; its memory is kept for the next use
    std::chrono::steady_clock::time_point deadline{};
    std::size_t timer = no_timer; // its place among the timers
    std::uint32_t index = 0;      // in the pool
    std::uint32_t generation = 1; // of this use; part of the operation's id
    bool in_use = false;
    bool borrows = false;     // memory that is not ours
    bool timed_out = false;   // its deadline has passed
    bool quarantined = false; // completed for its user, not for the kernel
    bool own = false;         // the queue's own, and nobody's business

    /// Of those that never enter the kernel, the ones that do not sleep.
    [[nodiscard]] bool is_room() const noexcept {
        return kind == engine::Kind::none && poll_events != 0;
    }
    [[nodiscard]] OperationId id() const noexcept {
        return {(std::uint64_t{generation} << 32) | index};
    }
};

/// Records at addresses that stay. Grows, and does not shrink: once warm it allocates nothing.
class RecordPool {
public:
    /// Throws std::bad_alloc when it has to grow and cannot.
    Record& take() {
        if (free_.empty()) {
            Record& fresh = records_.emplace_back();
            fresh.index = static_cast<std::uint32_t>(records_.size() - 1);
            free_.reserve(records_.size()); // so that giving back allocates nothing
            free_.push_back(&fresh);
        }
        Record& record = *free_.back();
        free_.pop_back();
        record.in_use = true;
        return record;
    }

    void give_back(Record& record) noexcept {
        record.reset();
        if (record.buffer.data() != nullptr) [[unlikely]] {
            record.buffer = AlignedBuffer{};
        }
        record.in_use = false;
        ++record.generation;
        free_.push_back(&record);
    }

    [[nodiscard]] Record* find(OperationId id) noexcept {
        const std::size_t index = id.value & 0xffffffffU;
        if (index >= records_.size()) {
            return nullptr;
        }
        Record& record = records_[index];
        return record.in_use && record.generation == id.value >> 32 ? &record : nullptr;
    }

    template <typename Function>
    void for_each_in_use(Function&& function) {
        for (Record& record : records_) {
            if (record.in_use) {
                function(record);
            }
        }
    }

private:
    std::deque<Record> records_;
    std::vector<Record*> free_;
};

} // namespace queue
AIOXX_NAMESPACE_END
