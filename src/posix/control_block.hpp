// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include <sys/types.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

struct Request;

/// glibc's aiocb up to the offset, which is where aiocb and aiocb64 part. The four fields that are
/// its own are ours here: what a block says of itself lies in the block, so that aio_error takes no
/// lock. They may hold anything when a block is handed in.
struct ControlBlock {
    int fd;
    int list_opcode;
    int priority_decrease;
    volatile void* buffer;
    std::size_t length;
    sigevent notification;

    std::uintptr_t mark; // what this block is, see below
    int unused[2];
    int error;             // EINPROGRESS, or the outcome
    std::intptr_t outcome; // while in progress the Request, then what aio_return gives

    /// A block is known by a mark that depends on its address: what the program's memory holds by
    /// chance, or a copy of a block, is none of ours.
    enum class Is : unsigned { unknown, in_progress, finished, returned };

    /// A block that is in progress belongs to one process: a child has copies.
    [[nodiscard]] Is state(std::uint64_t generation) const noexcept {
        const std::uintptr_t found = std::atomic_ref{as_mutable().mark}.load();
        if (found == mark_of(Is::finished, 0)) {
            return Is::finished;
        }
        if (found == mark_of(Is::in_progress, generation)) {
            return Is::in_progress;
        }
        return found == mark_of(Is::returned, 0) ? Is::returned : Is::unknown;
    }

    void begin(Request* request, std::uint64_t generation) noexcept {
        outcome = reinterpret_cast<std::intptr_t>(request);
        std::atomic_ref{error}.store(EINPROGRESS);
        std::atomic_ref{mark}.store(mark_of(Is::in_progress, generation));
    }
    /// From here on the block is the program's again: it may be gone. `result`: bytes, or a
    /// negative errno.
    void finish(std::int64_t result) noexcept {
        outcome = result < 0 ? -1 : static_cast<std::intptr_t>(result);
        std::atomic_ref{mark}.store(mark_of(Is::finished, 0));
        std::atomic_ref{error}.store(result < 0 ? static_cast<int>(-result) : 0);
    }
    /// True once.
    bool take_outcome() noexcept {
        std::uintptr_t expected = mark_of(Is::finished, 0);
        return std::atomic_ref{mark}.compare_exchange_strong(expected, mark_of(Is::returned, 0));
    }

    [[nodiscard]] int error_now() const noexcept {
        return std::atomic_ref{as_mutable().error}.load();
    }
    [[nodiscard]] Request* request() const noexcept { return reinterpret_cast<Request*>(outcome); }

private:
    [[nodiscard]] ControlBlock& as_mutable() const noexcept {
        return const_cast<ControlBlock&>(*this); // for atomic_ref, which cannot look at const
    }
    [[nodiscard]] std::uintptr_t mark_of(Is is, std::uint64_t generation) const noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(this);
        std::uint64_t value = (address + static_cast<unsigned>(is)) * 0x9e3779b97f4a7c15U;
        value = (value ^ (value >> 29) ^ generation) * 0xbf58476d1ce4e5b9U; // splitmix64's mixing
        return static_cast<std::uintptr_t>(value ^ (value >> 32));
    }
};

} // namespace posix
AIOXX_NAMESPACE_END
