// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "queue/record.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// Operations that other threads want to be cancelled, first in, first out. The list goes through
/// their records, so that asking allocates nothing, however often one is asked for.
///
/// Threads: any, one at a time: its user has a mutex for it.
class CancelRequests {
public:
    void add(RecordPool& pool, OperationId operation) noexcept {
        Record* const record = pool.find_any(operation);
        if (record == nullptr) {
            return; // names nothing
        }
        Record::CancelRequest& request = record->cancel_request;
        const auto generation = static_cast<std::uint32_t>(operation.value >> 32);
        if (!request.waits) {
            request = {nullptr, generation, true};
            (last_ != nullptr ? last_->cancel_request.next : first_) = record;
            last_ = record;
            ++count_;
        } else if (static_cast<std::int32_t>(generation - request.generation) > 0) {
            request.generation = generation; // the earlier use of the record has ended
        }
    }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// The oldest; there has to be one.
    OperationId take() noexcept {
        Record& record = *first_;
        Record::CancelRequest& request = record.cancel_request;
        first_ = std::exchange(request.next, nullptr);
        if (first_ == nullptr) {
            last_ = nullptr;
        }
        request.waits = false;
        --count_;
        return Record::id_of(record.index, request.generation);
    }

private:
    Record* first_ = nullptr;
    Record* last_ = nullptr;
    std::size_t count_ = 0;
};

} // namespace queue
AIOXX_NAMESPACE_END
