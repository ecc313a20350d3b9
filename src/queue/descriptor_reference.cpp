// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/descriptor_reference.hpp"

#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace queue {

DescriptorReference::DescriptorReference(const File& file, detail::SharedDescriptor& descriptor,
                                         detail::FileUsePlace& place,
                                         detail::ClosedFiles& closed_files) noexcept
    : OpenFile(file), detail::FileUse(place, closed_files,
                                      [](detail::FileUse& use) noexcept {
                                          delete &static_cast<DescriptorReference&>(use);
                                      }),
      descriptor_(descriptor) {
    descriptor_.hold();
}

void DescriptorReference::keep() noexcept {
    if (!has_reference_) {
        descriptor_.add_reference();
        has_reference_ = true;
        kept = true;
    }
}

void DescriptorReference::release() noexcept {
    close_reopened(); // now, since a close of the File is heard of later
    if (std::exchange(has_reference_, false)) {
        descriptor_.drop_reference();
    }
}

int DescriptorReference::prepare_for_worker(engine::Operation& /*operation*/) noexcept {
    return 0;
}

} // namespace queue
AIOXX_NAMESPACE_END
