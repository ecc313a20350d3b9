// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/data_blocks.hpp"
#include "tool/open_file.hpp"
#include "tool/progress.hpp"

#include <aioxx/task/task.hpp>

#include <cstddef>
#include <cstdint>

namespace tool {

/// The data of a copy: from one open file into an empty one, with many blocks in flight.
class BlockCopy {
public:
    BlockCopy(OpenFile& source, OpenFile& target, std::int64_t size, std::size_t block_size,
              unsigned depth);

    /// Afterwards the target has the source's size, data and holes.
    void copy(Progress& progress) const;
    /// Reads both again, the target from storage where that can be had, and throws where they
    /// differ.
    void compare(Progress& progress) const;

private:
    struct Pass;
    using Worker = aioxx::Task<> (BlockCopy::*)(Pass&) const;

    /// Runs `count` of `worker` side by side, which share the blocks, until there are none left.
    void run(DataBlocks blocks, Worker worker, unsigned count, unsigned transfers_each,
             Progress& progress) const;
    aioxx::Task<> copy_blocks(Pass& pass) const;
    aioxx::Task<> compare_blocks(Pass& pass) const;
    void set_size(std::int64_t size) const;
    void reserve(const Block& block) const;
    [[nodiscard]] std::size_t alignment() const noexcept;

    OpenFile& source_;
    OpenFile& target_;
    std::int64_t size_;
    std::size_t block_size_;
    unsigned slots_; // at most the depth, fewer where the file has fewer blocks
};

} // namespace tool
