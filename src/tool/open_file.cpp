// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/open_file.hpp"

#include "tool/failure.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>

namespace tool {

void OpenFile::choose_direct(DirectMode mode, std::size_t block_size) {
    if (mode == DirectMode::never) {
        return;
    }
    must_be_direct_ = mode == DirectMode::always;
    const aioxx::DirectAlignment alignment = file_.direct_alignment();
    const bool fits = alignment.supported() && block_size % alignment.offset == 0;
    // Set after opening: some file systems create the file before they refuse the flag.
    is_direct_ = fits && ::fcntl(fd(), F_SETFL, O_DIRECT) == 0;
    if (is_direct_) {
        direct_ = aioxx::File::borrow(fd());
    }
    if (is_direct_ || !must_be_direct_) {
        return;
    }
    if (alignment.supported() && !fits) {
        throw Failure(name_ + ": direct I/O there needs a block size that is a multiple of " +
                      std::to_string(alignment.offset));
    }
    throw Failure(name_ + ": the file system does not support direct I/O");
}

bool OpenFile::give_up_direct() {
    if (must_be_direct_ || ::fcntl(fd(), F_SETFL, 0) != 0) {
        return false;
    }
    is_direct_ = false;
    return true;
}

std::size_t OpenFile::buffer_alignment() const noexcept {
    constexpr std::size_t page = 4096;
    return std::max<std::size_t>(page, file_.direct_alignment().memory);
}

std::int64_t OpenFile::size() const {
    std::error_code error;
    const std::int64_t bytes = file_.size(error);
    if (error) {
        throw Failure(name_, "cannot ask for its size", error.value());
    }
    return bytes;
}

} // namespace tool
