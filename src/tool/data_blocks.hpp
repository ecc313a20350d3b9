// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/open_file.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace tool {

struct Block {
    std::int64_t offset = 0;
    std::int64_t length = 0;
    std::uint64_t number = 0;   // from 0 on, in the order of the offsets
    std::int64_t new_range = 0; // when not 0: a range of data of this length starts here
};

/// Walks over the blocks that hold data in any of the given files, and leaves the holes out
/// (SEEK_DATA, SEEK_HOLE; where a file system has neither, all is data). Blocks start at multiples
/// of `alignment`.
class DataBlocks {
public:
    DataBlocks(std::initializer_list<const OpenFile*> files, std::int64_t size,
               std::size_t block_size, std::size_t alignment);

    /// False at the end.
    bool next(Block& block);

    /// The bytes of the holes passed so far.
    [[nodiscard]] std::int64_t skipped() const noexcept { return skipped_; }

private:
    void find_range();

    std::vector<const OpenFile*> files_;
    std::int64_t size_;
    std::int64_t block_size_;
    std::size_t alignment_;
    std::int64_t at_ = 0;
    std::uint64_t number_ = 0;
    std::int64_t range_end_ = 0;
    std::int64_t skipped_ = 0;
};

} // namespace tool
