// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/request.hpp>

#include "engine/operation.hpp"
#include "queue/pool_wait.hpp"
#include "queue/record_ring.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// What few operations have, as bits.
namespace mark {
inline constexpr std::uint8_t own = 1;        // the queue's: its user does not know of it
inline constexpr std::uint8_t timed_out = 2;  // its deadline has passed
inline constexpr std::uint8_t copied = 4;     // its buffer stands for memory that is borrowed
inline constexpr std::uint8_t given_up = 8;   // its user does not wait for the kernel
inline constexpr std::uint8_t told = 16;      // of that: it is in quarantine
inline constexpr std::uint8_t ended = 32;     // for the kernel, and its user has not been told
inline constexpr std::uint8_t forgotten = 64; // its user, and memory that was borrowed, are gone
inline constexpr std::uint8_t telling = 128;  // of what was given up: its callback is called
} // namespace mark

/// Elements of an array of iovec that the kernel takes: UIO_MAXIOV.
inline constexpr std::size_t most_parts = 1024;

/// One started operation: the engine's record, what the completion calls, and what it owns.
struct Record : engine::Operation, detail::Handler, RecordLink {
    static constexpr std::size_t no_timer = ~std::size_t{0};

    AlignedBuffer buffer;
    std::unique_ptr<PoolWait> pool_wait; // made when it first waits for a pool's buffer, and kept
    std::vector<iovec> vectors;   // a copy of the user's; its memory is kept for the next use
    std::size_t vector_bytes = 0; // in all of these
    std::chrono::nanoseconds started_at{}; // engine::monotonic_tick(), of the pass
    std::chrono::steady_clock::time_point deadline{};
    std::size_t timer = no_timer;    // its place among the timers
    Record* next_given_up = nullptr; // of those whose users are to be told
    std::uint64_t given_up_at = 0;   // by the count of those that were given up
    std::uint32_t index = 0;         // in the pool
    std::uint32_t generation = 0;    // of this use; part of the operation's id
    bool borrows = false;            // memory that is the user's
    bool times_out = false;          // at its deadline, which may be a sleep's good end
    std::uint8_t marks = 0;          // and again when it is given back
    std::uint32_t head = 0;          // bytes of its copy that come before what was asked for

    /// That of another thread to cancel it: CancelRequests, under the mutex for those.
    struct CancelRequest {
        Record* next = nullptr;
        std::uint32_t generation = 0;
        bool waits = false;
    } cancel_request;

    [[nodiscard]] bool is(std::uint8_t bit) const noexcept { return (marks & bit) != 0; }
    [[nodiscard]] bool waits_for_quarantine() const noexcept {
        return request.kind == engine::Kind::quarantine;
    }
    [[nodiscard]] bool waits_for_capacity() const noexcept {
        return request.kind == engine::Kind::capacity;
    }
    [[nodiscard]] bool waits_for_condition() const noexcept {
        return request.kind == engine::Kind::condition;
    }
    [[nodiscard]] bool waits_for_buffer() const noexcept {
        return request.kind == engine::Kind::buffer;
    }
    /// One that does not reach the engine.
    [[nodiscard]] bool is_queues_own() const noexcept {
        return request.kind >= engine::Kind::sleep;
    }
    /// Never a default one.
    [[nodiscard]] static OperationId id_of(std::uint32_t index, std::uint32_t generation) noexcept {
        return {(std::uint64_t{generation} << 32) | (index + 1)};
    }
    /// Of the record that has, or had, `id`; one that there is not for a default one.
    [[nodiscard]] static std::uint32_t index_of(OperationId id) noexcept {
        return static_cast<std::uint32_t>(id.value) - 1;
    }
    [[nodiscard]] OperationId id() const noexcept { return id_of(index, generation); }
};

/// Records at addresses that stay. Memory is taken for as many as there are, each time; a record is
/// made when it is first used, so that growing takes no longer for more. It does not shrink: once
/// warm it allocates nothing.
class RecordPool {
public:
    RecordPool() noexcept = default;
    ~RecordPool() {
        for (std::size_t index = 0; index < made_; ++index) {
            std::destroy_at(&at(index));
        }
        for (std::size_t block = 0; block < blocks_; ++block) {
            std::allocator<Record>{}.deallocate(records_[block], first_block << block);
        }
    }
    RecordPool(const RecordPool&) = delete;
    RecordPool& operator=(const RecordPool&) = delete;

    /// One for an operation on the file that keeps its newest record there, or null. Throws
    /// std::bad_alloc when it has to grow and cannot.
    Record& take(RecordLink** newest) {
        if (has_to_grow()) [[unlikely]] {
            free_ = &make();
        }
        return take_made(newest);
    }
    /// Whether take() makes one, for which it may need memory.
    [[nodiscard]] bool has_to_grow() const noexcept { return free_ == nullptr; }
    /// Where it does not.
    Record& take_made(RecordLink** newest) noexcept {
        RecordLink& record = *free_;
        free_ = record.next;
        used_.enter(record, newest);
        return static_cast<Record&>(record);
    }

    void give_back(Record& record) noexcept {
        if (record.buffer.data() != nullptr) {
            record.buffer = AlignedBuffer{};
        }
        give_back_without_buffer(record);
    }
    /// The same for one that has given its buffer away, or never had one.
    void give_back_without_buffer(Record& record) noexcept {
        record.reset();
        ++record.generation;
        RecordRing::leave(record);
        record.RecordLink::next = free_;
        free_ = &record;
    }

    [[nodiscard]] Record* find(OperationId id) noexcept {
        const std::size_t index = Record::index_of(id);
        if (index >= made_) {
            return nullptr;
        }
        Record& record = at(index);
        return record.generation == id.value >> 32 ? &record : nullptr;
    }

    /// The record that has, or had, this id. For its cancel_request and its index alone. Threads:
    /// any.
    [[nodiscard]] Record* find_any(OperationId id) noexcept {
        const std::size_t index = Record::index_of(id);
        return index < made_.load(std::memory_order_acquire) ? &at(index) : nullptr;
    }

    /// `function` may neither take records nor give them back.
    template <typename Function>
    void for_each_in_use(Function&& function) {
        visit(
            used_.first(), [this](const RecordLink* one) { return one != used_.ends(); }, function);
    }
    /// The same for those of the file that keeps its newest there.
    template <typename Function>
    void for_each_of_file(RecordLink** newest, Function&& function) {
        visit(
            RecordRing::oldest(*newest),
            [newest](const RecordLink* one) { return one != nullptr && one->newest == newest; },
            function);
    }
    /// The same for all, those among them that have been passed.
    template <typename Function>
    void for_each(Function&& function) {
        for_each_in_use(function);
        visit(
            passed_.first(), [this](const RecordLink* one) { return one != passed_.ends(); },
            function);
    }
    /// The oldest that has not been passed; null when there is none.
    [[nodiscard]] Record* first_in_use() const noexcept {
        return used_.empty() ? nullptr : static_cast<Record*>(used_.first());
    }
    /// For the end of the queue, in which none are taken: `record` has been looked at, and is not
    /// among those in use any more until all are once more.
    void pass(Record& record) noexcept {
        RecordRing::leave(record);
        passed_.enter(record, nullptr);
    }
    void begin_anew() noexcept {
        while (!passed_.empty()) {
            RecordLink& record = *passed_.first();
            RecordRing::leave(record);
            used_.enter(record, nullptr);
        }
    }

private:
    template <typename Among, typename Function>
    static void visit(RecordLink* next, Among among, Function&& function) {
        while (among(next)) {
            auto& record = static_cast<Record&>(*next);
            next = next->next;
            function(record);
        }
    }

    static constexpr std::size_t first_block = 16;
    static constexpr std::size_t most_blocks = 28; // 2^32 records

    /// So many are in the first blocks: the block `number` has first_block << number.
    static constexpr std::size_t size_of(std::size_t blocks) noexcept {
        return (first_block << blocks) - first_block;
    }
    [[nodiscard]] Record* place(std::size_t index) noexcept {
        const auto block = static_cast<std::size_t>(std::bit_width(index / first_block + 1)) - 1;
        return records_[block] + (index - size_of(block));
    }
    [[nodiscard]] Record& at(std::size_t index) noexcept { return *place(index); }
    Record& make() {
        if (made_ == size_of(blocks_)) {
            records_.at(blocks_) = std::allocator<Record>{}.allocate(first_block << blocks_);
            ++blocks_;
        }
        const std::size_t index = made_.load(std::memory_order_relaxed);
        Record& fresh = *std::construct_at(place(index));
        fresh.index = static_cast<std::uint32_t>(index);
        fresh.generation = first_generation_;
        made_.store(index + 1, std::memory_order_release); // for find_any()
        return fresh;
    }

    /// Far from those of other pools, so that an id that is not of this one names nothing here.
    static std::uint32_t next_first_generation() noexcept {
        static std::atomic<std::uint32_t> next{1};
        constexpr std::uint32_t apart = 0x9e3779b1U; // the golden ratio's: n of them lie evenly
        return next.fetch_add(apart, std::memory_order_relaxed);
    }

    const std::uint32_t first_generation_ = next_first_generation();
    std::array<Record*, most_blocks> records_{};
    std::size_t blocks_ = 0;
    std::atomic<std::size_t> made_{0}; // changed by the queue's thread
    RecordLink* free_ = nullptr;       // linked by RecordLink::next
    RecordRing used_;
    RecordRing passed_;
};

} // namespace queue
AIOXX_NAMESPACE_END
