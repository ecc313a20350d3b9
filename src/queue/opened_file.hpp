// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/engine/request.hpp>
#include <aioxx/file/aligned_buffer.hpp>
#include <aioxx/file/file.hpp>

#include <string>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// The path of a file that is to be opened and, when it has been, its descriptor, which is closed
/// with this unless somebody takes it. Behind an AlignedBuffer, whose address is the Opening's.
class OpenedFile final : detail::BufferOwner {
public:
    /// Throws std::bad_alloc.
    static AlignedBuffer hold(std::string path);
    /// One that is not open where `buffer` has none, or is of another kind.
    static File take(AlignedBuffer& buffer) noexcept;

private:
    explicit OpenedFile(std::string&& path) noexcept
        : BufferOwner{&give_back_one}, path_(std::move(path)) {}
    ~OpenedFile();

    static void give_back_one(detail::BufferOwner& owner, std::byte* data) noexcept;

    std::string path_;
    engine::Opening opening_{path_.c_str()};
};

} // namespace queue
AIOXX_NAMESPACE_END
