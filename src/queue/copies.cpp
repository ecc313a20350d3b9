// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/copies.hpp"

#include <algorithm>
#include <bit>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace queue {
namespace {

std::size_t list_of(std::size_t size) noexcept {
    return static_cast<std::size_t>(std::bit_width(size - 1));
}

} // namespace

std::size_t Copies::size_of(std::size_t bytes) const noexcept {
    constexpr std::size_t largest = (~std::size_t{0} >> 1) + 1; // power of two
    return std::min(bytes > largest ? bytes : std::bit_ceil(std::max(bytes, page)),
                    std::max(limit_, bytes));
}

AlignedBuffer Copies::take(std::size_t bytes) {
    const std::size_t size = size_of(bytes);
    const std::size_t list = list_of(size);
    if (free_[list].empty()) {
        drop_kept(size);
        if (made_[list] == free_[list].capacity()) {
            free_[list].reserve(2 * made_[list] + 4);
        }
        AlignedBuffer fresh{size, page};
        ++made_[list];
        used_ += size;
        return fresh;
    }
    AlignedBuffer copy = std::move(free_[list].back());
    free_[list].pop_back();
    kept_ -= size;
    used_ += size;
    return copy;
}

void Copies::give_back(AlignedBuffer&& copy) noexcept {
    const std::size_t size = copy.size();
    used_ -= size;
    kept_ += size;
    free_[list_of(size)].push_back(std::move(copy)); // for which there is room
}

/// So that `bytes` more do not exceed the limit.
void Copies::drop_kept(std::size_t bytes) noexcept {
    for (std::size_t list = free_.size(); list > 0 && used_.value() + kept_ + bytes > limit_;
         --list) {
        std::vector<AlignedBuffer>& buffers = free_[list - 1];
        while (!buffers.empty() && used_.value() + kept_ + bytes > limit_) {
            kept_ -= buffers.back().size();
            buffers.pop_back();
            --made_[list - 1];
        }
    }
}

} // namespace queue
AIOXX_NAMESPACE_END
