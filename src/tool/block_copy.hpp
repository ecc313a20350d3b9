// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/data_blocks.hpp"
#include "tool/open_file.hpp"
#include "tool/progress.hpp"
#include "tool/transfer.hpp"

#include <aioxx/queue/queue.hpp>
#include <aioxx/task/task.hpp>

#include <cstddef>
#include <cstdint>

namespace tool {

/// The data of a copy: from one open file into an empty one, with many blocks in flight.
class BlockCopy {
public:
    /// What the target's file system makes of sizes and blocks that are there before the data.
    enum class Ahead : std::uint8_t {
        size_and_blocks, ///< Writes then neither extend nor allocate: they would block in submit.
        size,            ///< Reserved blocks would not be compressed.
        nothing,         ///< It would write zeros first. So the writes go in order, too.
    };

    BlockCopy(OpenFile& source, OpenFile& target, std::int64_t size, std::size_t block_size,
              Ahead ahead);

    [[nodiscard]] std::int64_t blocks() const noexcept;

    /// Afterwards the target has the source's size, data and holes. `depth` blocks at a time.
    void copy(LazyQueue& queue, unsigned depth, Progress& progress) const;
    /// Reads both again, the target from storage where that can be had, and throws where they
    /// differ.
    void compare(LazyQueue& queue, unsigned depth, Progress& progress) const;

    // The same, one block after the other; by plain calls where `queue` is null.

    aioxx::Task<> copy_in_turn(aioxx::Queue* queue, Progress& progress) const;
    aioxx::Task<> compare_in_turn(aioxx::Queue* queue, Progress& progress) const;

private:
    struct Pass;
    using Worker = aioxx::Task<> (BlockCopy::*)(Pass&) const;

    /// Runs `count` of `worker` side by side, which share the blocks, until there are none left.
    void run(LazyQueue& queue, unsigned depth, Pass pass, Worker worker, unsigned count) const;
    aioxx::Task<> keep_failure(Pass& pass, Worker worker) const;
    aioxx::Task<> copy_blocks(Pass& pass) const;
    aioxx::Task<> write(Pass& pass, std::byte* buffer, Block block) const;
    aioxx::Task<> compare_blocks(Pass& pass) const;
    [[nodiscard]] Pass copying(aioxx::Queue* queue, unsigned buffers, Progress& progress) const;
    [[nodiscard]] Pass comparing(aioxx::Queue* queue, unsigned buffers, Progress& progress) const;
    void set_size_ahead() const;
    void set_size() const;
    void reserve(const Block& block) const;
    [[nodiscard]] std::size_t buffer_alignment() const noexcept;
    [[nodiscard]] std::size_t buffer_size() const noexcept;
    [[nodiscard]] unsigned at_a_time(unsigned depth) const noexcept;

    OpenFile& source_;
    OpenFile& target_;
    std::int64_t size_;
    std::size_t block_size_;
    Ahead ahead_;
};

} // namespace tool
