// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/opened_file.hpp"

#include <aioxx/queue/queue.hpp>

#include <system_error>
#include <utility>

#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace queue {

AlignedBuffer OpenedFile::hold(const char* path) {
    auto* const held = new OpenedFile{path};
    auto* const opening = reinterpret_cast<std::byte*>(&held->opening_);
    return detail::BufferParts::make(opening, 0, 1, *held);
}

File OpenedFile::take(AlignedBuffer& buffer) noexcept {
    detail::BufferOwner* const owner = detail::BufferParts::owner_of(buffer);
    if (owner == nullptr || owner->give_back != &give_back_one) {
        return {};
    }
    std::error_code error;
    int& fd = static_cast<OpenedFile*>(owner)->opening_.fd;
    File file = File::adopt(std::exchange(fd, -1), error);
    buffer = AlignedBuffer{};
    return file;
}

OpenedFile::~OpenedFile() {
    if (opening_.fd >= 0) {
        ::close(opening_.fd);
    }
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
