// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/opened_file.hpp"

#include <aioxx/queue/queue.hpp>

#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace queue {

AlignedBuffer OpenedFile::hold(const char* path) {
    auto* const held = new OpenedFile{path};
    auto* const opening = reinterpret_cast<std::byte*>(&held->opening_);
    return detail::BufferParts::make(opening, 0, 1, *held);
}

OpenedFile* OpenedFile::behind(const AlignedBuffer& buffer) noexcept {
    detail::BufferOwner* const owner = detail::BufferParts::owner_of(buffer);
    const bool is_one = owner != nullptr && owner->give_back == &give_back_one;
    return is_one ? static_cast<OpenedFile*>(owner) : nullptr;
}

File OpenedFile::take(AlignedBuffer& buffer) noexcept {
    OpenedFile* const held = behind(buffer);
    if (held == nullptr) {
        return {};
    }
    File file = std::move(held->opening_.file);
    buffer = AlignedBuffer{};
    return file;
}

const char* OpenedFile::path_in(const AlignedBuffer& buffer) noexcept {
    const OpenedFile* const held = behind(buffer);
    return held != nullptr ? held->opening_.path : nullptr;
}

void OpenedFile::give_back_one(detail::BufferOwner& owner, std::byte* /*data*/) noexcept {
    delete static_cast<OpenedFile*>(&owner);
}

} // namespace queue

AlignedBuffer Queue::hold_path(const char* path) {
    return queue::OpenedFile::hold(path);
}

File Completion::take_file() noexcept {
    return queue::OpenedFile::take(buffer_);
}

AIOXX_NAMESPACE_END
