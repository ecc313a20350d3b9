// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "kernel/kernel.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include <sys/mman.h>

namespace aioxx::test {

/// Completed events in the layout of fs/aio.c, in a mapping of their own, so that the library reads
/// them there. One writer at a time.
class EventRing {
public:
    explicit EventRing(std::size_t events)
        : bytes_((sizeof(Header) + (events + 1) * sizeof(kernel::EventLayout) + 4095) / 4096 *
                 4096) {
        void* const memory =
            ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            throw std::bad_alloc{};
        }
        header_ = new (memory) Header;
        header_->size = static_cast<std::uint32_t>(events + 1); // one is always free
    }
    EventRing(const EventRing&) = delete;
    EventRing& operator=(const EventRing&) = delete;
    ~EventRing() { ::munmap(header_, bytes_); }

    [[nodiscard]] kernel::Handle address() const noexcept {
        return reinterpret_cast<kernel::Handle>(header_);
    }
    [[nodiscard]] std::size_t count() const noexcept {
        return (header_->tail + header_->size - head()) % header_->size;
    }
    void put(const kernel::EventLayout& event) noexcept {
        slots()[header_->tail] = event;
        std::atomic_ref{header_->tail}.store((header_->tail + 1) % header_->size,
                                             std::memory_order_release);
    }
    void take(kernel::EventLayout& out) noexcept {
        const std::uint32_t at = head();
        out = slots()[at];
        std::atomic_ref{header_->head}.store((at + 1) % header_->size, std::memory_order_release);
    }

private:
    struct Header {
        std::uint32_t id = 0;
        std::uint32_t size = 0;
        std::uint32_t head = 0; // the library's, which reaps here without a call
        std::uint32_t tail = 0;
        std::uint32_t magic = 0xa10a10a1;
        std::uint32_t compatible_features = 1;
        std::uint32_t incompatible_features = 0;
        std::uint32_t header_length = 32;
    };

    [[nodiscard]] std::uint32_t head() const noexcept {
        return std::atomic_ref{header_->head}.load(std::memory_order_acquire);
    }
    [[nodiscard]] kernel::EventLayout* slots() const noexcept {
        return reinterpret_cast<kernel::EventLayout*>(header_ + 1);
    }

    std::size_t bytes_;
    Header* header_;
};

} // namespace aioxx::test
