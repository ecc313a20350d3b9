// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/file/aligned_buffer.hpp>

#include <aioxx/core/error.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <new>

AIOXX_NAMESPACE_BEGIN
namespace {

constexpr std::size_t longest = std::numeric_limits<std::ptrdiff_t>::max();

} // namespace

AlignedBuffer::AlignedBuffer(std::size_t size, std::size_t alignment)
    : size_(size), alignment_(alignment) {
    if (!std::has_single_bit(alignment)) {
        detail::throw_error(std::make_error_code(std::errc::invalid_argument),
                            "AlignedBuffer: the alignment is no power of two");
    }
    if (size > longest - std::min(alignment, longest)) {
        throw std::bad_alloc{}; // operator new rounds up, past the end of what it can count
    }
    if (size != 0) {
        data_ = static_cast<std::byte*>(::operator new (size, std::align_val_t{alignment}));
    }
}

void AlignedBuffer::release(std::byte* data, std::size_t alignment,
                            detail::BufferOwner* owner) noexcept {
    if (owner != nullptr) {
        owner->give_back(*owner, data);
    } else {
        ::operator delete (data, std::align_val_t{alignment});
    }
}

AIOXX_NAMESPACE_END
