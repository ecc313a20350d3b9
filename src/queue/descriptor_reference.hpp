// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/open_file.hpp"
#include "file/file_use.hpp"
#include "file/shared_descriptor.hpp"
#include "queue/record_ring.hpp"

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// A File as a queue uses it. An owned descriptor stays open by a counted reference while an
/// operation is under way; a borrowed one is kept open by its owner. So the number is always valid,
/// for the queue's thread and for workers, whenever and by whichever thread the File is closed.
class DescriptorReference final : public engine::OpenFile, public detail::FileUse {
public:
    /// `place` is one of `descriptor`'s.
    DescriptorReference(const File& file, detail::SharedDescriptor& descriptor,
                        detail::FileUsePlace& place, detail::ClosedFiles& closed_files) noexcept;

    void keep() noexcept override;
    void release() noexcept override;
    int prepare_for_worker(engine::Operation& operation) noexcept override;
    void retire() noexcept override {
        RecordRing::forget_file(newest_record); // what has completed and was not delivered
        drop_by_owner();
    }
    /// Instead of retire(), before the File knows of it.
    void discard() noexcept { delete this; }

    RecordLink* newest_record = nullptr; // of the queue's records in use on it

private:
    ~DescriptorReference() { descriptor_.let_go(); }

    detail::SharedDescriptor&
        descriptor_; // its number while the File is open or a reference is held
    bool has_reference_ = false;
};

} // namespace queue
AIOXX_NAMESPACE_END
