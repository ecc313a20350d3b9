// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/buffer_pool.hpp>

#include "core/fork_generation.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// What waits for a buffer of a BufferStore. It stays where it is until it has ended, or left.
///
/// Threads: its own, but for `ended`, and for `buffer` until then.
class BufferWait {
public:
    /// Called once, by the thread that has given a buffer back, or destroys the pool. Under the
    /// store's lock, so that no buffer may be destroyed in there.
    using Ended = void (*)(BufferWait& wait) noexcept;

    BufferWait(const BufferWait&) = delete;
    BufferWait& operator=(const BufferWait&) = delete;

    AlignedBuffer buffer; // what it was given; empty when the pool has gone

protected:
    explicit BufferWait(Ended ended) noexcept : ended_(ended) {}
    ~BufferWait() = default;

private:
    friend class BufferStore;

    const Ended ended_;
    BufferWait* next_ = nullptr;
    BufferWait* previous_ = nullptr;
    bool waits_ = false;
};

/// The memory of a BufferPool, and who waits for it. It goes with the last that knows of it: the
/// pool, the buffers that are out, and the waits.
///
/// Threads: any.
class BufferStore final : BufferOwner {
public:
    /// Throws as the pool does.
    BufferStore(std::size_t count, std::size_t size, std::size_t alignment);
    BufferStore(const BufferStore&) = delete;
    BufferStore& operator=(const BufferStore&) = delete;

    [[nodiscard]] AlignedBuffer try_take() noexcept;
    /// The same, and where all are out `wait` is the last in the line: it keeps a reference.
    [[nodiscard]] AlignedBuffer take_or_wait(BufferWait& wait) noexcept;
    /// It waits no more. False when it has ended, or is about to, in another thread.
    bool leave(BufferWait& wait) noexcept;
    /// The pool goes: ends what waits. It has a reference less.
    void close() noexcept;
    void drop_reference() noexcept;

    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t alignment() const noexcept { return alignment_; }
    [[nodiscard]] BufferPool::Pages pages() const noexcept { return pages_; }
    [[nodiscard]] std::size_t available() const noexcept;
    [[nodiscard]] std::size_t waiting() const noexcept;
    /// In a forked child, whose copy is not to be used: another thread may have had the lock.
    [[nodiscard]] bool is_copy() const noexcept {
        return fork_generation::current() != generation_;
    }

private:
    ~BufferStore();

    void map(std::size_t bytes, std::size_t alignment);
    bool map_huge(std::size_t bytes) noexcept;
    void take_back(std::byte* data) noexcept;
    /// Of one that has a reference.
    [[nodiscard]] AlignedBuffer made_of(std::byte* data) noexcept {
        return BufferParts::make(data, size_, alignment_, *this);
    }
    /// Under the lock.
    void unlink(BufferWait& wait) noexcept;

    const std::size_t count_;
    const std::size_t size_;
    const std::size_t alignment_;
    BufferPool::Pages pages_ = BufferPool::Pages::ordinary;
    AlignedBuffer small_; // the memory of a pool that is smaller than a huge page
    std::byte* memory_ = nullptr;
    std::size_t mapped_ = 0; // bytes; none of a small one
    const std::uint64_t generation_ = fork_generation::enter();
    std::atomic<std::size_t> references_{1};

    mutable std::mutex mutex_;     // of what follows
    std::vector<std::byte*> free_; // with room for all; the last one back is the next one out
    BufferWait* first_ = nullptr;  // none while any is free
    BufferWait* last_ = nullptr;
    std::size_t waiting_ = 0;
};

} // namespace detail
AIOXX_NAMESPACE_END
