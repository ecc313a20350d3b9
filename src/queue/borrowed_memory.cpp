// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/borrowed_memory.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include <sys/uio.h>

AIOXX_NAMESPACE_BEGIN
namespace queue {
namespace {

constexpr std::size_t too_many = std::numeric_limits<std::size_t>::max();

bool borrows(const detail::Request& request) noexcept {
    return request.is_transfer() && request.buffer.data() == nullptr && request.length > 0;
}

/// Between a copy and the first `bytes` of the parts that it stands for.
template <typename Copy>
void for_each_part(std::span<const iovec> parts, std::size_t bytes, Copy copy) {
    std::size_t at = 0;
    for (const iovec& part : parts) {
        const std::size_t length = std::min(part.iov_len, bytes - at);
        if (length > 0) {
            copy(static_cast<std::byte*>(part.iov_base), at, length);
        }
        at += length;
    }
}

/// The whole blocks of direct I/O.
Copied blocks_around(const detail::Request& request, std::size_t bytes) noexcept {
    const auto unit = std::size_t{std::max(request.file->direct_alignment().offset, 1U)};
    const std::size_t head = static_cast<std::size_t>(request.offset) % unit;
    return {static_cast<std::uint32_t>(head), (head + bytes + unit - 1) / unit * unit};
}

bool has_aligned_memory(const detail::Request& request) noexcept {
    const DirectAlignment& unit = request.file->direct_alignment();
    const auto is_multiple = [](std::uintptr_t number, std::uint32_t of) {
        return number % std::max(of, 1U) == 0;
    };
    if (!request.is_vectored()) {
        return is_multiple(reinterpret_cast<std::uintptr_t>(request.data), unit.memory);
    }
    const std::span parts{static_cast<const iovec*>(request.data), request.length};
    return std::ranges::all_of(parts, [&](const iovec& part) {
        return is_multiple(reinterpret_cast<std::uintptr_t>(part.iov_base), unit.memory) &&
               is_multiple(part.iov_len, unit.offset);
    });
}

std::size_t bytes_in(std::span<const iovec> parts) noexcept {
    std::size_t bytes = 0;
    for (const iovec& part : parts) {
        bytes += part.iov_len;
    }
    return bytes;
}

/// The memory that a copy stands for.
std::span<const iovec> parts_of(const Record& record) noexcept {
    return {record.vectors.data(), record.request.is_vectored() ? record.vectors.size() - 1 : 1};
}

/// Of a read of whole blocks around what its user wants.
void count_what_was_asked_for(Record& record) noexcept {
    record.done = asked_for(record, record.done);
    if (record.result >= 0) {
        const bool is_short = record.done < bytes_in(parts_of(record));
        record.result = static_cast<std::int64_t>(record.done);
        record.end_of_file = is_short && (record.end_of_file || record.done == 0);
    }
}

} // namespace

std::size_t asked_for(const Record& record, std::size_t done) noexcept {
    return record.is(mark::copied) ? std::min(done - std::min(done, std::size_t{record.head}),
                                              bytes_in(parts_of(record)))
                                   : done;
}

std::size_t bytes_of(const detail::Request& request) noexcept {
    if (!request.is_vectored()) {
        return request.length;
    }
    const auto* const vectors = static_cast<const iovec*>(request.data);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < request.length; ++i) {
        if (vectors[i].iov_len > too_many - bytes) {
            return too_many;
        }
        bytes += vectors[i].iov_len;
    }
    return bytes;
}

Copied copied_of(const detail::Request& request) noexcept {
    if (!borrows(request)) {
        return {};
    }
    const std::size_t bytes = bytes_of(request);
    if (request.unaligned && request.file->is_direct() && bytes < too_many / 2) {
        const Copied blocks = blocks_around(request, bytes);
        const bool whole = blocks.head == 0 && blocks.bytes == bytes;
        if (whole ? !has_aligned_memory(request) : request.is_read()) {
            return blocks;
        }
    }
    return {0, request.can_be_given_up ? bytes : 0};
}

/// Behind the parts that are the user's, `vectors` has one for the engine where it wants such.
void copy_borrowed(Record& record, const detail::Request& request, const Copied& copied,
                   Copies& copies) {
    if (request.is_vectored()) {
        record.vectors.push_back({nullptr, copied.bytes});
    } else {
        record.vectors.assign(1, {request.data, request.length});
    }
    AlignedBuffer copy = copies.take(copied.bytes);
    if (request.is_vectored()) {
        record.vectors.back().iov_base = copy.data();
        record.request.data = &record.vectors.back();
        record.request.length = 1;
    } else {
        record.request.data = copy.data();
        record.request.length = copied.bytes;
    }
    if (request.is_write()) {
        for_each_part(parts_of(record), copied.bytes,
                      [&copy](const std::byte* part, std::size_t at, std::size_t length) {
                          std::memcpy(copy.data() + at, part, length);
                      });
    }
    record.request.offset -= copied.head;
    record.request.exact |= copied.head > 0; // a short one may not reach what was asked for
    record.head = copied.head;
    record.buffer = std::move(copy);
    record.borrows = false;
    record.marks |= mark::copied;
}

void give_back_copy(Record& record, Copies& copies) noexcept {
    if (record.request.is_read()) {
        count_what_was_asked_for(record);
        const bool is_waited_for = !record.is(mark::given_up | mark::forgotten);
        for_each_part(parts_of(record), is_waited_for ? record.done : 0,
                      [&record](std::byte* part, std::size_t at, std::size_t length) {
                          std::memcpy(part, record.buffer.data() + record.head + at, length);
                      });
    }
    copies.give_back(std::move(record.buffer));
}

} // namespace queue
AIOXX_NAMESPACE_END
