// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <vector>

#include <fcntl.h>

/// Reads blocks of a file together, many times over: by one io_submit a batch where the file goes
/// by kernel AIO. One for each thread, with a queue of its own.
///
/// Ownership: of the queue and of the memory. The file outlives it. Threads: one at a time.
class BatchReader {
public:
    static constexpr std::size_t block_size = 4096;

    /// The depth for each of so many threads, which together take at most half of what is left of
    /// fs.aio-max-nr, the budget of the whole machine. Where nothing is left the queues work by
    /// their workers.
    static unsigned depth_of_each(unsigned threads, unsigned deepest) {
        const aioxx::Limits limits = aioxx::limits();
        const std::uint64_t left = limits.allowed - std::min(limits.used, limits.allowed);
        return std::clamp(aioxx::Queue::depth_within(left / 2 / threads), 1U, deepest);
    }

    /// `most`: blocks in one batch. Deeper batches than `depth` go in parts.
    BatchReader(const aioxx::File& file, std::size_t most, unsigned depth)
        : file_(file), memory_(most * block_size, block_size), queue_({.depth = depth}) {
        batch_.reserve(most);
    }

    /// Reads the blocks of those numbers, and calls `look(number, error, block)` for each when all
    /// have been read. One that fails, or ends with the file, has an error and an empty block, and
    /// none of the others knows.
    template <typename Look>
    void read(std::span<const std::uint64_t> blocks, Look&& look) {
        batch_.clear();
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            batch_.add(
                queue_.read(file_, place(i), static_cast<std::int64_t>(blocks[i] * block_size)));
        }
        batch_.wait();
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const aioxx::Completion& result = batch_.results()[i];
            const bool whole = result.bytes() == block_size;
            const std::error_code error =
                result.error() || whole ? result.error()
                                        : std::make_error_code(std::errc::no_message_available);
            look(blocks[i], error,
                 std::span<const std::byte>{place(i)}.first(whole ? block_size : 0));
        }
    }

    [[nodiscard]] aioxx::QueueStatistics statistics() const { return queue_.statistics(); }

private:
    std::span<std::byte> place(std::size_t i) {
        return std::span<std::byte>{memory_}.subspan(i * block_size, block_size);
    }

    const aioxx::File& file_;
    aioxx::AlignedBuffer memory_; // before the queue, which waits for what is read into it
    aioxx::Queue queue_;
    aioxx::Batch batch_{queue_};
};
