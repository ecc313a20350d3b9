// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/aligned_buffer.hpp>
#include <aioxx/file/file.hpp>

#include "engine/opening.hpp"

#include <string>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// The path of a file that is to be opened and, when it has been, the File, which is closed with
/// this unless it is taken. Behind an AlignedBuffer, whose address is the Opening's.
class OpenedFile final : detail::BufferOwner {
public:
    /// A `path` that is null stays so: EFAULT. Throws std::bad_alloc.
    static AlignedBuffer hold(const char* path);
    /// One that is not open where `buffer` has none, or is of another kind.
    static File take(AlignedBuffer& buffer) noexcept;
    /// Null where `buffer` has none.
    static const char* path_in(const AlignedBuffer& buffer) noexcept;

private:
    explicit OpenedFile(const char* path)
        : BufferOwner{&give_back_one},
          path_(path != nullptr ? path : ""), opening_{path != nullptr ? path_.c_str() : nullptr,
                                                       {}} {}

    static OpenedFile* behind(const AlignedBuffer& buffer) noexcept;
    static void give_back_one(detail::BufferOwner& owner, std::byte* data) noexcept;

    std::string path_;
    engine::Opening opening_;
};

} // namespace queue
AIOXX_NAMESPACE_END
