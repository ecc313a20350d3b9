// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/open_file.hpp"
#include "tool/progress.hpp"

#include <aioxx/file/aligned_buffer.hpp>

#include <cstddef>
#include <cstdint>

namespace tool {

/// The data of a copy of a file whose size does not tell what it holds: one that says 0, and may
/// be empty, or one that the kernel makes up while it is read, as under /proc and /sys. What those
/// hold is known at their end, may be something else the next time, and cannot be had in another
/// order. So it is read from start to end, once, one block after the other.
class UnsizedCopy {
public:
    UnsizedCopy(OpenFile& source, OpenFile& target, std::size_t block_size);

    /// Afterwards the empty target has what the source had.
    void copy(Progress& progress);
    /// Reads the target, from storage where that can be had, and throws where it is not what was
    /// read from the source.
    void compare(Progress& progress);

private:
    void make_buffer();
    /// Returns how much of the buffer it has filled: all of it, `wanted` bytes or more, or what
    /// there is up to the end of the file.
    std::size_t read(OpenFile& file, std::size_t wanted);
    /// Writes the first `length` bytes of the buffer behind what has been written.
    void write(std::size_t length);

    OpenFile& source_;
    OpenFile& target_;
    std::size_t block_size_;
    aioxx::AlignedBuffer buffer_; // one block, while it is at work
    std::int64_t size_ = 0;
    std::uint64_t sum_; // of what was read
};

} // namespace tool
