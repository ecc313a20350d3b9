// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "file/buffer_store.hpp"

#include <aioxx/core/error.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace detail {
namespace {

constexpr std::size_t longest = std::numeric_limits<std::ptrdiff_t>::max();
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr int map_huge_2mb = 21 << 26; // MAP_HUGE_2MB
constexpr int populate_write = 23;     // MADV_POPULATE_WRITE, Linux 5.14

/// Throws std::bad_alloc where that is more than any memory. `unit` is a power of two.
std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
    if (bytes > longest - std::min(unit, longest)) {
        throw std::bad_alloc{};
    }
    return (bytes + unit - 1) & ~(unit - 1);
}

std::size_t product(std::size_t count, std::size_t size) {
    if (size > longest / count) {
        throw std::bad_alloc{};
    }
    return count * size;
}

void* mapped(std::size_t bytes, int flags) noexcept {
    return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
                  0);
}

} // namespace

BufferStore::BufferStore(std::size_t count, std::size_t size, std::size_t alignment)
    : BufferOwner{[](BufferOwner& owner, std::byte* data) noexcept {
          static_cast<BufferStore&>(owner).take_back(data);
      }},
      count_(count), size_(size), alignment_(alignment) {
    if (count == 0 || size == 0 || !std::has_single_bit(alignment)) {
        throw_error(std::make_error_code(std::errc::invalid_argument),
                    "BufferPool: no buffers, none of 0 bytes, and an alignment by a power of two");
    }
    const std::size_t step = rounded_up(size, alignment);
    const std::size_t bytes = product(count, step);
    free_.reserve(count);
    map(bytes, alignment);
    for (std::size_t i = count; i > 0; --i) {
        free_.push_back(memory_ + (i - 1) * step);
    }
}

BufferStore::~BufferStore() {
    if (mapped_ != 0) {
        ::munmap(memory_, mapped_);
    }
}

/// Throws std::bad_alloc.
void BufferStore::map(std::size_t bytes, std::size_t alignment) {
    if (bytes < huge_page) {
        small_ = AlignedBuffer{bytes, alignment};
        memory_ = small_.data();
        return;
    }
    if (alignment <= huge_page && map_huge(rounded_up(bytes, huge_page))) {
        return;
    }
    // From a multiple of the alignment on: what is mapped before and behind is given back.
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t unit = std::max(alignment, huge_page);
    mapped_ = rounded_up(bytes, page);
    const std::size_t all = mapped_ + unit - page;
    void* const from = mapped(all, 0);
    if (from == MAP_FAILED) {
        throw std::bad_alloc{};
    }
    auto* const first = static_cast<std::byte*>(from);
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(first) & (unit - 1);
    memory_ = first + before;
    if (before != 0) {
        ::munmap(first, before);
    }
    if (const std::size_t behind = all - before - mapped_; behind != 0) {
        ::munmap(memory_ + mapped_, behind);
    }
    if (::madvise(memory_, mapped_, MADV_HUGEPAGE) == 0) {
        pages_ = BufferPool::Pages::transparent;
    }
}

/// Only where all of them are there now: one that turns out to be missing later is a SIGBUS.
/// Kernels that cannot tell have transparent ones.
bool BufferStore::map_huge(std::size_t bytes) noexcept {
    void* const from = mapped(bytes, MAP_HUGETLB | map_huge_2mb);
    if (from == MAP_FAILED) {
        return false;
    }
    if (::madvise(from, bytes, populate_write) != 0) {
        ::munmap(from, bytes);
        return false;
    }
    memory_ = static_cast<std::byte*>(from);
    mapped_ = bytes;
    pages_ = BufferPool::Pages::huge;
    return true;
}

AlignedBuffer BufferStore::try_take() noexcept {
    if (is_copy()) {
        return {};
    }
    const std::lock_guard lock{mutex_};
    if (free_.empty()) {
        return {};
    }
    std::byte* const data = free_.back();
    free_.pop_back();
    references_.fetch_add(1, std::memory_order_relaxed);
    return made_of(data);
}

AlignedBuffer BufferStore::take_or_wait(BufferWait& wait) noexcept {
    const std::lock_guard lock{mutex_};
    references_.fetch_add(1, std::memory_order_relaxed);
    if (!free_.empty()) {
        std::byte* const data = free_.back();
        free_.pop_back();
        return made_of(data);
    }
    wait.next_ = nullptr;
    wait.previous_ = last_;
    (last_ != nullptr ? last_->next_ : first_) = &wait;
    last_ = &wait;
    wait.waits_ = true;
    ++waiting_;
    return {};
}

void BufferStore::unlink(BufferWait& wait) noexcept {
    (wait.previous_ != nullptr ? wait.previous_->next_ : first_) = wait.next_;
    (wait.next_ != nullptr ? wait.next_->previous_ : last_) = wait.previous_;
    wait.waits_ = false;
    --waiting_;
}

bool BufferStore::leave(BufferWait& wait) noexcept {
    {
        const std::lock_guard lock{mutex_};
        if (!wait.waits_) {
            return false;
        }
        unlink(wait);
    }
    drop_reference();
    return true;
}

void BufferStore::take_back(std::byte* data) noexcept {
    if (is_copy()) {
        return;
    }
    {
        const std::lock_guard lock{mutex_};
        if (first_ != nullptr) {
            BufferWait& next = *first_;
            unlink(next);
            next.buffer = made_of(data); // whose reference stays
            next.ended_(next);
            return;
        }
        free_.push_back(data);
    }
    drop_reference();
}

void BufferStore::close() noexcept {
    if (is_copy()) {
        return;
    }
    {
        const std::lock_guard lock{mutex_};
        while (first_ != nullptr) {
            BufferWait& next = *first_;
            unlink(next);
            next.ended_(next);
        }
    }
    drop_reference();
}

void BufferStore::drop_reference() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete this;
    }
}

std::size_t BufferStore::available() const noexcept {
    if (is_copy()) {
        return 0;
    }
    const std::lock_guard lock{mutex_};
    return free_.size();
}

std::size_t BufferStore::waiting() const noexcept {
    if (is_copy()) {
        return 0;
    }
    const std::lock_guard lock{mutex_};
    return waiting_;
}

} // namespace detail
AIOXX_NAMESPACE_END
