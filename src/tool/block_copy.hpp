// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/open_file.hpp"
#include "tool/progress.hpp"

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
    void set_size(std::int64_t size) const;
    void reserve(std::int64_t offset, std::int64_t length) const;
    [[nodiscard]] std::size_t alignment() const noexcept;
    [[nodiscard]] std::size_t buffer_alignment() const noexcept;

    OpenFile& source_;
    OpenFile& target_;
    std::int64_t size_;
    std::size_t block_size_;
    unsigned slots_; // at most the depth, fewer where the file has fewer blocks
};

} // namespace tool
