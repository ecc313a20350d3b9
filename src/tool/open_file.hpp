// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace tool {

enum class DirectMode { automatic, always, never };

/// A file of the copy, with the name that the user knows it by, and whether its transfers are
/// direct or go through the page cache.
class OpenFile {
public:
    OpenFile(aioxx::File file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

    /// Makes transfers direct as `mode` says. `block_size` has to suit the file's alignment.
    void choose_direct(DirectMode mode, std::size_t block_size);
    /// For a file that took O_DIRECT and then refuses a transfer: goes on through the page cache,
    /// and returns false where direct I/O was asked for.
    bool give_up_direct();

    /// For transfers as they are to be made now. A File knows its descriptor as it was when it was
    /// opened: there is one for each way, and those in flight keep theirs.
    [[nodiscard]] const aioxx::File& file() const noexcept { return is_direct_ ? direct_ : file_; }
    [[nodiscard]] int fd() const noexcept { return file_.fd(); }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool is_direct() const noexcept { return is_direct_; }
    /// Offsets and lengths of transfers are multiples of this.
    [[nodiscard]] std::size_t alignment() const noexcept {
        return is_direct_ ? file_.direct_alignment().offset : 1;
    }
    /// Buffers start at a multiple of this.
    [[nodiscard]] std::size_t buffer_alignment() const noexcept;
    [[nodiscard]] std::int64_t size() const;

private:
    aioxx::File file_;
    aioxx::File direct_; // borrows from the first, since it took O_DIRECT
    std::string name_;
    bool is_direct_ = false;
    bool must_be_direct_ = false;
};

[[nodiscard]] constexpr std::int64_t round_down(std::int64_t value,
                                                std::size_t alignment) noexcept {
    return value - value % static_cast<std::int64_t>(alignment);
}
/// Where the next multiple is beyond the longest file, as long as that.
[[nodiscard]] constexpr std::int64_t round_up(std::int64_t value, std::size_t alignment) noexcept {
    const std::int64_t more = static_cast<std::int64_t>(alignment) - 1;
    return value > INT64_MAX - more ? INT64_MAX : round_down(value + more, alignment);
}

} // namespace tool
