// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/aligned_buffer.hpp>

#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN

class Queue;

/// A fixed number of aligned buffers of one size, in one piece of memory: a bound on what a program
/// reads and writes with. What is taken is an AlignedBuffer like any other, which is moved into an
/// operation and comes back with its completion. It goes back to the pool when it is destroyed; of
/// an operation that was given up, when the kernel is done with it.
///
///     aioxx::BufferPool pool{64, 128 << 10};
///     auto buffer = co_await queue.buffer(pool); // waits for one
///     auto got = co_await queue.read(file, std::move(buffer), offset);
///
/// Memory: pages of 2 MiB where there are some and the pool has 2 MiB or more, see pages(). A
/// direct transfer then has a few long segments instead of one for each 4096 bytes.
///
/// Ownership: of the memory, together with the buffers that are out: the pool may be destroyed
/// before them. What waits for a buffer then ends with operation_canceled.
///
/// Errors: std::bad_alloc and std::system_error, of the constructor.
///
/// Threads: any number, at a time; buffers may be destroyed by any thread. The pool itself is
/// destroyed while no other call on it is made. Blocking: none of the calls does. In a forked child
/// it is inert: it gives nothing, and takes nothing back.
class AIOXX_API BufferPool {
public:
    /// Of what its memory is.
    enum class Pages : std::uint8_t {
        ordinary,    ///< The pool has less than 2 MiB, or the kernel knows no transparent ones.
        transparent, ///< The kernel was asked for huge pages, and gives them as it has them.
        huge,        ///< Of those that are set aside (vm.nr_hugepages), and taken at once.
    };

    /// `count` buffers of `size` bytes, neither of them 0. `alignment` is a power of two, in bytes:
    /// File::direct_alignment().memory says what a file needs. Throws std::bad_alloc, and
    /// std::system_error (EINVAL) for other arguments.
    BufferPool(std::size_t count, std::size_t size, std::size_t alignment = 4096);
    /// Frees the memory when the last buffer has come back, which may be later.
    ~BufferPool();
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    /// A buffer, or an empty one where all are out, or others wait for the next. Its bytes are
    /// those of its last use. Queue::buffer() waits for one.
    [[nodiscard]] AlignedBuffer try_take() noexcept;

    /// How many there are.
    [[nodiscard]] std::size_t count() const noexcept;
    /// Bytes of each.
    [[nodiscard]] std::size_t buffer_size() const noexcept;
    /// Of each, in bytes.
    [[nodiscard]] std::size_t alignment() const noexcept;
    /// How many are not out now.
    [[nodiscard]] std::size_t available() const noexcept;
    /// How many operations wait for one now.
    [[nodiscard]] std::size_t waiting() const noexcept;
    /// Of what its memory is; it stays so.
    [[nodiscard]] Pages pages() const noexcept;

private:
    friend class Queue;

    detail::BufferStore* store_;
};

AIOXX_NAMESPACE_END
