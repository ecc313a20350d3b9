// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/data_blocks.hpp"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

namespace tool {

DataBlocks::DataBlocks(std::initializer_list<const OpenFile*> files, std::int64_t size,
                       std::size_t block_size, std::size_t alignment)
    : files_(files), size_(size), block_size_(static_cast<std::int64_t>(block_size)),
      alignment_(alignment) {}

bool DataBlocks::next(Block& block) {
    const bool at_range = at_ == range_end_;
    if (at_range) {
        find_range();
    }
    if (at_ == size_) {
        return false;
    }
    block.offset = at_;
    block.length = std::min(block_size_, range_end_ - at_);
    block.number = number_++;
    block.new_range = at_range ? range_end_ - at_ : 0;
    at_ += block.length;
    return true;
}

void DataBlocks::find_range() {
    std::int64_t begin = size_;
    std::int64_t end = size_;
    for (const OpenFile* const file : files_) {
        std::int64_t data = ::lseek(file->fd(), at_, SEEK_DATA);
        if (data < 0) {
            data = errno == ENXIO ? size_ : at_; // no data up to the end, or it is not known
        }
        std::int64_t hole = data < size_ ? ::lseek(file->fd(), data, SEEK_HOLE) : size_;
        if (hole <= data) {
            hole = size_;
        }
        if (data < begin) {
            begin = data;
            end = hole;
        }
    }
    // In multiples of the alignment: what this takes from the holes is read as zeros.
    if (begin < size_) {
        begin = std::max(at_, round_down(begin, alignment_));
        end = round_up(std::min(end, size_), alignment_);
    }
    begin = std::min(begin, size_);
    range_end_ = std::min(end, size_);
    skipped_ += begin - at_;
    at_ = begin;
}

} // namespace tool
