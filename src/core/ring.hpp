// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/event.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

AIOXX_NAMESPACE_BEGIN

/// The completion ring that the kernel maps into the process; a context's handle is its address.
/// Layout: `struct aio_ring` in fs/aio.c, whose magic and feature fields exist for readers like
/// this one.
class Ring {
public:
    /// The ring of a context, or null when it is not one that may be read: another layout, or an
    /// environment (gVisor) whose handles are no addresses.
    static Ring* find(std::uintptr_t handle) noexcept;
    /// In a forked child, of a ring of its parent's: what a signal handler that has forked had
    /// interrupted may go on and read it. Lays empty memory in its place where it was not copied:
    /// since Linux 7.2 none is, nor one with MADV_DONTFORK.
    static void stand_in(std::uintptr_t handle, std::size_t bytes) noexcept;

    /// Moves completed events to `out` and frees their slots; returns how many. One caller at a
    /// time, and none beside io_getevents: the kernel's readers hold a lock that is out of reach.
    std::size_t take(std::span<Event> out) noexcept;

    /// Beside a reader as well.
    [[nodiscard]] bool empty() noexcept {
        return std::atomic_ref{head_}.load(std::memory_order_relaxed) ==
               std::atomic_ref{tail_}.load(std::memory_order_acquire);
    }

    // For readers who keep the place of the next event themselves, and so may be several at a time.

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    /// In memory, with its events.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return sizeof(Ring) + size_ * sizeof(kernel::EventLayout);
    }
    /// Where the next event will be written.
    [[nodiscard]] std::uint32_t tail() noexcept {
        return std::atomic_ref{tail_}.load(std::memory_order_acquire);
    }
    /// Data and result of the event that lies there. They mean something if the place had not been
    /// left when they were read: what is read afterwards is newer.
    [[nodiscard]] kernel::EventLayout copy(std::uint32_t index) noexcept;
    /// The places before it are the kernel's again.
    [[nodiscard]] std::uint32_t head() noexcept {
        return std::atomic_ref{head_}.load(std::memory_order_acquire);
    }
    /// Leaves the places between the two to the kernel. False: `from` is not the head any more.
    bool leave(std::uint32_t from, std::uint32_t to) noexcept {
        return std::atomic_ref{head_}.compare_exchange_strong(from, to);
    }

private:
    [[maybe_unused]] std::uint32_t id_;
    std::uint32_t size_; // events
    std::uint32_t head_; // the reader's, from here or from io_getevents
    std::uint32_t tail_; // the kernel's
    std::uint32_t magic_;
    [[maybe_unused]] std::uint32_t compatible_features_;
    std::uint32_t incompatible_features_;
    std::uint32_t header_length_;

    [[nodiscard]] Event* events() noexcept { return reinterpret_cast<Event*>(this + 1); }
};
static_assert(sizeof(Ring) == 32);

inline std::size_t Ring::take(std::span<Event> out) noexcept {
    const std::uint32_t size = size_;
    const std::uint32_t head =
        std::atomic_ref{head_}.load(std::memory_order_relaxed); // ours to move
    // Acquire: pairs with the kernel's barrier between writing the events and moving the tail.
    const std::uint32_t tail = std::atomic_ref{tail_}.load(std::memory_order_acquire);
    if (head >= size || tail >= size) [[unlikely]] {
        return 0;
    }
    const Event* from = events() + head;
    const Event* const stop = events() + tail;
    Event* to = out.data();
    for (Event* const end = to + out.size(); from != stop && to != end;) {
        *to++ = *from++;
        if (from == events() + size) [[unlikely]] {
            from = events();
        }
    }
    // Release: the copies above are done before the kernel may write to the slots again.
    std::atomic_ref{head_}.store(static_cast<std::uint32_t>(from - events()),
                                 std::memory_order_release);
    return static_cast<std::size_t>(to - out.data());
}

inline kernel::EventLayout Ring::copy(std::uint32_t index) noexcept {
    auto& event = reinterpret_cast<kernel::EventLayout*>(events())[index];
    kernel::EventLayout copied;
    copied.data = std::atomic_ref{event.data}.load(std::memory_order_acquire);
    copied.result = std::atomic_ref{event.result}.load(std::memory_order_acquire);
    return copied;
}

AIOXX_NAMESPACE_END
