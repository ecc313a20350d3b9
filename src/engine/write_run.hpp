// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/file_record.hpp"
#include "engine/operation.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Writes into the page cache of one file of which each begins where the one before it ends, and
/// that one call can make. Pure.
class WriteRun {
public:
    static constexpr std::size_t most_parts = 256; // of all vectors; the kernel's limit is 1024
    /// More in one call saves nothing more, and the kernel takes longer pieces of memory for it,
    /// which have not been in use for long: they are in no cache, and of a virtual machine its host
    /// may have taken them.
    static constexpr std::size_t most_bytes = std::size_t{256} << 10U;

    explicit WriteRun(Operation& first) noexcept { take(first); }

    /// False where it does not fit behind the others.
    bool add(Operation& operation) noexcept {
        if (!follows(*operations_[size_ - 1], operation) || size_ == most_parts ||
            parts_ + parts_of(operation) > most_parts ||
            bytes_ + operation.remaining() > most_bytes) {
            return false;
        }
        take(operation);
        return true;
    }
    [[nodiscard]] std::span<Operation* const> all() const noexcept {
        return {operations_.data(), size_};
    }

private:
    static std::size_t parts_of(const Operation& operation) noexcept {
        return operation.request.is_vectored() ? operation.request.length : 1;
    }
    static bool appends(const Operation& operation) noexcept {
        const RwFlags flags = operation.request.flags;
        return operation.file->traits.append ? (flags & RwFlags::noappend) == RwFlags::none
                                             : (flags & RwFlags::append) != RwFlags::none;
    }
    static bool follows(const Operation& one, const Operation& next) noexcept {
        const Request& request = one.request;
        const Request& other = next.request;
        if (!one.is_write() || !next.is_write() || !one.file->traits.regular ||
            request.flags != other.flags || request.prioritised != other.prioritised ||
            request.priority != other.priority || request.rank != other.rank ||
            request.offset < 0 || other.offset < 0 || next.remaining() == 0) {
            return false;
        }
        const auto end = static_cast<std::uint64_t>(request.offset) + one.done + one.remaining();
        return appends(one) || end == static_cast<std::uint64_t>(other.offset) + next.done;
    }
    void take(Operation& operation) noexcept {
        operations_[size_++] = &operation;
        parts_ += parts_of(operation);
        bytes_ += operation.remaining();
    }

    std::array<Operation*, most_parts> operations_;
    std::size_t size_ = 0;
    std::size_t parts_ = 0;
    std::size_t bytes_ = 0;
};

} // namespace engine
AIOXX_NAMESPACE_END
