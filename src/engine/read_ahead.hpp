// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/file_record.hpp"
#include "engine/operation.hpp"
#include "kernel/kernel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Reads of one file that wait for a worker, of which the kernel is told: it begins with all of
/// them, and few workers take what has come.
class ReadAhead {
public:
    static constexpr std::size_t most_reads = 64;
    static constexpr std::size_t most_bytes = std::size_t{64} * 1024; // of one read

    /// Whether `operation`, a plain call, is one of which telling is of use. A server would be
    /// sent requests, and a long read keeps a disk busy by itself.
    static bool suits(const Operation& operation) noexcept {
        const FileTraits& file = operation.file->traits;
        return operation.way == Way::worker && operation.is_read() && file.regular &&
               !file.direct && !file.in_memory && !file.on_server &&
               operation.remaining() <= most_bytes;
    }

    /// Takes those at the end of the list of which the kernel has not been told.
    void collect(const OperationList& waiting) noexcept {
        for (Operation* one = waiting.back();
             one != nullptr && !one->read_ahead && size_ < parts_.size();
             one = OperationList::previous(*one)) {
            one->read_ahead = true;
            parts_[size_++] = {one->current_offset(), one->remaining()};
        }
    }
    /// Tells of them in the order in which they wait. What begins where the one before it ends is
    /// left to the kernel, which reads ahead by itself.
    void tell(int fd) const noexcept {
        for (std::size_t i = size_; i-- > 0;) {
            const bool follows = i + 1 < size_ && parts_[i].offset == parts_[i + 1].end();
            if (!follows) {
                kernel::will_need(fd, parts_[i].offset, parts_[i].length);
            }
        }
    }

private:
    struct Part {
        [[nodiscard]] std::int64_t end() const noexcept {
            return offset + static_cast<std::int64_t>(length);
        }
        std::int64_t offset;
        std::size_t length;
    };

    std::array<Part, most_reads> parts_;
    std::size_t size_ = 0;
};

} // namespace engine
AIOXX_NAMESPACE_END
