// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/aligned_buffer.hpp>

#include "engine/counter.hpp"

#include <array>
#include <cstddef>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// Memory for copies of what is borrowed: aligned to pages, and of `limit` bytes at most, those
/// included that are kept for the next use. Once warm it allocates nothing.
///
/// Threads: the queue's.
class Copies {
public:
    explicit Copies(std::size_t limit) noexcept : limit_(limit) {}

    /// Whether there is ever room for so many bytes.
    [[nodiscard]] bool can_fit(std::size_t bytes) const noexcept { return bytes <= limit_; }
    /// Whether there is now.
    [[nodiscard]] bool fits(std::size_t bytes) const noexcept {
        return size_of(bytes) <= limit_ - used_.value();
    }
    /// Of at least so many bytes, for which there has to be room. Throws std::bad_alloc.
    AlignedBuffer take(std::size_t bytes);
    void give_back(AlignedBuffer&& copy) noexcept;

    /// Bytes that are out. Any thread.
    [[nodiscard]] std::size_t used() const noexcept {
        return static_cast<std::size_t>(used_.read());
    }

private:
    static constexpr std::size_t page = 4096;

    /// A power of two, or the limit.
    [[nodiscard]] std::size_t size_of(std::size_t bytes) const noexcept;
    void drop_kept(std::size_t bytes) noexcept;

    std::size_t limit_;
    engine::Counter used_;
    std::size_t kept_ = 0;
    // By the logarithm of their size, each with room for all of them that there are.
    std::array<std::vector<AlignedBuffer>, 65> free_;
    std::array<std::size_t, 65> made_{};
};

} // namespace queue
AIOXX_NAMESPACE_END
