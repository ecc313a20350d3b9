// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/aligned_buffer.hpp>

#include <cstddef>
#include <ranges>
#include <type_traits>
#include <utility>

struct iovec;

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// Whether elements of that type are bytes for a file: neither pointers nor the parts of a vector.
template <typename Element>
inline constexpr bool is_plain =
    std::is_trivially_copyable_v<Element> && !std::is_pointer_v<Element> &&
    !std::is_same_v<std::remove_cv_t<Element>, iovec>;

template <typename Range>
using ElementOf = std::remove_reference_t<std::ranges::range_reference_t<Range>>;

/// Throws std::out_of_range: a Part that the memory has not.
[[noreturn]] AIOXX_API void throw_behind_end();

/// What owns elements one behind the other, and is moved without copying them: std::vector and
/// std::string, but neither std::array nor what only refers to others.
template <typename T>
concept Container =
    std::is_same_v<T, std::remove_cvref_t<T>> && !std::is_same_v<T, AlignedBuffer> &&
    !std::is_trivially_copyable_v<T> && std::is_nothrow_move_constructible_v<T> &&
    std::ranges::contiguous_range<T&> && std::ranges::sized_range<T&> &&
    !std::ranges::enable_borrowed_range<T> && is_plain<ElementOf<T&>> &&
    !std::is_const_v<ElementOf<T&>>;

/// A container that an operation owns: behind an AlignedBuffer, which has its bytes.
template <Container Memory>
class HeldMemory final : BufferOwner {
public:
    /// Throws std::bad_alloc, and has left `memory` as it was.
    static AlignedBuffer hold(Memory&& memory) {
        auto* const held = new HeldMemory{std::move(memory)};
        using Element = ElementOf<Memory&>;
        auto* data = reinterpret_cast<std::byte*>(std::ranges::data(held->memory_));
        if (data == nullptr) {
            data = reinterpret_cast<std::byte*>(held); // of an empty one: it is owned all the same
        }
        return BufferParts::make(data, std::ranges::size(held->memory_) * sizeof(Element),
                                 alignof(Element), *held);
    }
    /// What it holds; an empty one where it holds nothing, or something else.
    static Memory take(AlignedBuffer& buffer) {
        BufferOwner* const owner = BufferParts::owner_of(buffer);
        if (owner == nullptr || owner->give_back != &give_back_one) {
            return {};
        }
        Memory memory = std::move(static_cast<HeldMemory*>(owner)->memory_);
        buffer = AlignedBuffer{};
        return memory;
    }

private:
    explicit HeldMemory(Memory&& memory) noexcept
        : BufferOwner{&give_back_one}, memory_(std::move(memory)) {}

    static void give_back_one(BufferOwner& owner, std::byte* /*data*/) noexcept {
        delete static_cast<HeldMemory*>(&owner);
    }

    Memory memory_;
};

} // namespace detail

/// A part of memory that is moved into an operation, which transfers that part alone and hands the
/// memory back whole:
///
///     queue.write_all(file, aioxx::Part{std::move(buffer), used}, offset);
template <typename Memory>
class Part {
public:
    /// The first `count` bytes, or those from byte `from` on. Throws std::out_of_range where there
    /// are not so many, and has left `memory` as it was.
    Part(Memory&& memory, std::size_t count) : Part(std::move(memory), 0, count) {}
    /// `count` bytes from byte `from` on.
    Part(Memory&& memory, std::size_t from, std::size_t count)
        : memory_(std::move(inside(memory, from, count))), from_(from), count_(count) {}

    /// All of the memory, handed over.
    [[nodiscard]] Memory&& memory() && noexcept { return std::move(memory_); }
    /// Bytes before the part.
    [[nodiscard]] std::size_t from() const noexcept { return from_; }
    /// Bytes of the part.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    static Memory& inside(Memory& memory, std::size_t from, std::size_t count) {
        const std::size_t all = std::ranges::size(memory) * sizeof(*std::ranges::data(memory));
        if (from > all || count > all - from) {
            detail::throw_behind_end();
        }
        return memory;
    }

    Memory memory_;
    std::size_t from_;
    std::size_t count_;
};

/// What a transfer gives back whose memory was moved in and is no AlignedBuffer.
///
///     std::vector<char> text(4096);
///     auto [bytes, end_of_file, back] =
///         co_await queue.read(file, std::move(text), 0);
template <typename Memory>
struct TransferOf {
    std::size_t bytes = 0;    ///< Transferred.
    bool end_of_file = false; ///< Of a read: it met the end, before or behind these bytes.
    Memory memory;            ///< What was moved in, of the size that it had.
};

/// What a transfer with a buffer of its own gives back.
///
///     auto got = co_await queue.read(file, std::move(buffer), 0);
///     use(got.buffer.first(got.bytes));
struct Transfer {
    std::size_t bytes = 0;    ///< Transferred.
    bool end_of_file = false; ///< Of a read: it met the end, before or behind these bytes.
    AlignedBuffer buffer;     ///< What was moved in, of the size that it had.
};

namespace detail {

/// Of memory that can be moved in: what the transfer gives back.
template <typename T>
struct MovedIn {};
template <>
struct MovedIn<AlignedBuffer> {
    using Result = Transfer;
};
template <Container T>
struct MovedIn<T> {
    using Result = TransferOf<T>;
};
template <typename T>
struct MovedIn<Part<T>> : MovedIn<T> {};

template <typename T>
using MovedResult = typename MovedIn<T>::Result;
template <typename T>
concept Movable = requires {
    typename MovedIn<T>::Result;
};

} // namespace detail
AIOXX_NAMESPACE_END
