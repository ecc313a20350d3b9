// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstddef>
#include <span>
#include <utility>

AIOXX_NAMESPACE_BEGIN

namespace detail {

class BufferStore;
struct BufferParts;

/// To whom memory goes back that is not of the buffer's own making.
struct BufferOwner {
    void (*give_back)(BufferOwner& owner, std::byte* data) noexcept;
};

} // namespace detail

/// Memory for direct I/O: a block of bytes whose address is a multiple of `alignment`. Owns it,
/// moves without copying; the bytes are not initialised. A moved-from buffer is empty. One that was
/// taken from a BufferPool goes back there by itself.
///
/// It is a contiguous range, so it passes wherever a `std::span<std::byte>` is asked for.
///
///     aioxx::AlignedBuffer block{4096, 4096};
///     co_await queue.read(file, block, 0); // borrowed: it stays until then
///     // Owned: the aioxx::Transfer that this gives hands it back.
///     auto got = co_await queue.read(file, std::move(block), 0);
class AIOXX_API AlignedBuffer {
public:
    /// Empty: no bytes.
    AlignedBuffer() noexcept = default;
    /// `size` bytes; `alignment` is a power of two, in bytes: File::direct_alignment().memory says
    /// what a file needs. Throws std::bad_alloc, and std::system_error (EINVAL) for another
    /// alignment.
    AlignedBuffer(std::size_t size, std::size_t alignment);

    /// Takes the memory over, which stays where it is; `other` is empty then.
    AlignedBuffer(AlignedBuffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
          alignment_(std::exchange(other.alignment_, 1)),
          owner_(std::exchange(other.owner_, nullptr)) {}
    /// Takes the memory over; what was here is freed, or goes back to its pool.
    AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
        AlignedBuffer taken{std::move(other)};
        std::swap(data_, taken.data_);
        std::swap(size_, taken.size_);
        std::swap(alignment_, taken.alignment_);
        std::swap(owner_, taken.owner_);
        return *this;
    }
    /// Frees the memory, or gives it back to its pool. Not while an operation borrows it.
    ~AlignedBuffer() {
        if (data_ != nullptr) {
            release(data_, alignment_, owner_);
        }
    }

    /// The first byte; null of an empty one.
    [[nodiscard]] std::byte* data() noexcept { return data_; }
    [[nodiscard]] const std::byte* data() const noexcept { return data_; }
    /// Bytes.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// In bytes; 1 of an empty one.
    [[nodiscard]] std::size_t alignment() const noexcept { return alignment_; }

    /// The first byte.
    [[nodiscard]] std::byte* begin() noexcept { return data_; }
    /// Behind the last byte.
    [[nodiscard]] std::byte* end() noexcept { return data_ + size_; }
    [[nodiscard]] const std::byte* begin() const noexcept { return data_; }
    [[nodiscard]] const std::byte* end() const noexcept { return data_ + size_; }

    /// The first `count` bytes; `count` is at most size().
    [[nodiscard]] std::span<std::byte> first(std::size_t count) noexcept { return {data_, count}; }
    [[nodiscard]] std::span<const std::byte> first(std::size_t count) const noexcept {
        return {data_, count};
    }

private:
    friend struct detail::BufferParts;

    AlignedBuffer(std::byte* data, std::size_t size, std::size_t alignment,
                  detail::BufferOwner* owner) noexcept
        : data_(data), size_(size), alignment_(alignment), owner_(owner) {}

    static void release(std::byte* data, std::size_t alignment,
                        detail::BufferOwner* owner) noexcept;

    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t alignment_ = 1;
    detail::BufferOwner* owner_ = nullptr; // none: operator new has given it
};

namespace detail {

/// A buffer as those see it that lend it memory of theirs.
struct BufferParts {
    [[nodiscard]] static AlignedBuffer make(std::byte* data, std::size_t size,
                                            std::size_t alignment, BufferOwner& owner) noexcept {
        return {data, size, alignment, &owner};
    }
    [[nodiscard]] static BufferOwner* owner_of(const AlignedBuffer& buffer) noexcept {
        return buffer.owner_;
    }
};

} // namespace detail

AIOXX_NAMESPACE_END
