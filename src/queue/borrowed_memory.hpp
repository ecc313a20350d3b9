// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/request.hpp>

#include "queue/copies.hpp"
#include "queue/record.hpp"

#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace queue {

// Memory that an operation borrows, and the copy that it works on instead: where it may be given
// up, and where direct I/O does not take the memory or the range.

/// What a copy has room for. `head`: bytes that come before those that were asked for.
struct Copied {
    std::uint32_t head = 0;
    std::size_t bytes = 0; // in all; 0: nothing is copied
};

/// That a transfer asks for; the most there is for more than that.
[[nodiscard]] std::size_t bytes_of(const detail::Request& request) noexcept;
/// What is copied of the memory that `request` borrows.
[[nodiscard]] Copied copied_of(const detail::Request& request) noexcept;
/// Has `record`, which is of `request`, work on a copy. There is room for it. Throws
/// std::bad_alloc.
void copy_borrowed(Record& record, const detail::Request& request, const Copied& copied,
                   Copies& copies);
/// How many of `done` bytes, which the kernel has transferred, are of what was asked for.
[[nodiscard]] std::size_t asked_for(const Record& record, std::size_t done) noexcept;
/// Ends that: what was read goes where it was asked for, as long as its user waits.
void give_back_copy(Record& record, Copies& copies) noexcept;

} // namespace queue
AIOXX_NAMESPACE_END
