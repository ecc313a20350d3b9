// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "core/ring.hpp"

#include <sys/mman.h>

#if AIOXX_VALGRIND
#include <valgrind/valgrind.h>
#endif

AIOXX_NAMESPACE_BEGIN
namespace {

constexpr std::uint32_t magic = 0xa10a10a1;

bool may_be_read(std::uintptr_t handle) noexcept {
#if AIOXX_VALGRIND
    if (RUNNING_ON_VALGRIND) {
        return false; // it cannot know that the kernel wrote the events, and calls them undefined
    }
#endif
    // A handle that is no address must not be read to find that out. mincore() answers ENOMEM for
    // an unmapped page, EINVAL for what is not the start of one.
    unsigned char resident = 0;
    return handle != 0 && mincore(reinterpret_cast<void*>(handle), sizeof(Ring), &resident) == 0;
}

} // namespace

Ring* Ring::find(std::uintptr_t handle) noexcept {
    if (!may_be_read(handle)) {
        return nullptr;
    }
    auto* const ring = reinterpret_cast<Ring*>(handle);
    const bool known = ring->magic_ == magic && ring->incompatible_features_ == 0 &&
                       ring->header_length_ == sizeof(Ring) && ring->size_ != 0;
    return known ? ring : nullptr;
}

void Ring::stand_in(std::uintptr_t handle, std::size_t bytes) noexcept {
    // Where it cannot be laid something else is mapped, which can be read as well.
    [[maybe_unused]] void* const laid =
        mmap(reinterpret_cast<void*>(handle), bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

AIOXX_NAMESPACE_END
