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

class DirectRecord;
struct Request;

/// glibc's aiocb up to the offset, from where on aiocb and aiocb64 differ. The four fields that
/// glibc has for itself hold the state of the request, so that aio_error takes no lock. When a
/// request is started they may hold anything.
struct ControlBlock {
    int fd;
    int list_opcode;
    int priority_decrease;
    volatile void* buffer;
    std::size_t length;
    sigevent notification;

    std::uintptr_t mark;    // the state, see below
    unsigned use_of_record; // of the DirectRecord
    int unused;
    int error;            // EINPROGRESS, then what aio_error tells; DirectPath: once it is returned
    std::intptr_t result; // the Request while in progress, then what aio_return tells; DirectPath:
                          // the DirectRecord

    /// The mark depends on the state and on the block's address. So memory with any other content,
    /// and a copy of a block, are unknown.
    enum class Is : unsigned {
        unknown,
        in_progress, // the Request knows more
        direct,      // the DirectRecord does
        finished,
        returned,
    };

    /// `generation`: of the process. A forked child has copies of blocks in progress, which are
    /// unknown there.
    [[nodiscard]] Is state(std::uint64_t generation) const noexcept {
        const std::uintptr_t found = std::atomic_ref{as_mutable().mark}.load();
        if (found == mark_of(Is::finished, 0)) {
            return Is::finished;
        }
        if (found == mark_of(Is::in_progress, generation)) {
            return Is::in_progress;
        }
        if (found == mark_of(Is::direct, generation)) {
            return Is::direct;
        }
        return found == mark_of(Is::returned, 0) ? Is::returned : Is::unknown;
    }

    void begin(Request* request, std::uint64_t generation) noexcept {
        result = reinterpret_cast<std::intptr_t>(request);
        std::atomic_ref{error}.store(EINPROGRESS);
        std::atomic_ref{mark}.store(mark_of(Is::in_progress, generation));
    }
    void begin(DirectRecord& record, std::uint32_t use, std::uint64_t generation) noexcept {
        use_of_record = use;
        result = reinterpret_cast<std::intptr_t>(&record);
        std::atomic_ref{error}.store(EINPROGRESS);
        std::atomic_ref{mark}.store(mark_of(Is::direct, generation));
    }
    /// `value`: bytes, or a negative errno. From here on the block may be gone: the program may
    /// free it as soon as it sees the error.
    void finish(std::int64_t value) noexcept {
        result = value < 0 ? -1 : static_cast<std::intptr_t>(value);
        std::atomic_ref{mark}.store(mark_of(Is::finished, 0));
        std::atomic_ref{error}.store(value < 0 ? static_cast<int>(-value) : 0);
    }
    /// For aio_return: true once.
    bool take_result() noexcept {
        std::uintptr_t expected = mark_of(Is::finished, 0);
        return std::atomic_ref{mark}.compare_exchange_strong(expected, mark_of(Is::returned, 0));
    }

    /// What aio_return has taken from a DirectRecord. Another thread that returns it at the same
    /// time may still look at that.
    void finish_returned(int value) noexcept {
        std::atomic_ref{error}.store(value < 0 ? -value : 0);
        std::atomic_ref{mark}.store(mark_of(Is::returned, 0));
    }

    [[nodiscard]] int error_now() const noexcept {
        return std::atomic_ref{as_mutable().error}.load();
    }
    [[nodiscard]] Request* request() const noexcept { return reinterpret_cast<Request*>(result); }
    [[nodiscard]] DirectRecord* record() const noexcept {
        return reinterpret_cast<DirectRecord*>(result);
    }

private:
    [[nodiscard]] ControlBlock& as_mutable() const noexcept {
        return const_cast<ControlBlock&>(*this); // atomic_ref does not take const
    }
    [[nodiscard]] std::uintptr_t mark_of(Is is, std::uint64_t generation) const noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(this);
        std::uint64_t value = (address + static_cast<unsigned>(is)) * 0x9e3779b97f4a7c15U;
        value =
            (value ^ (value >> 29) ^ generation) * 0xbf58476d1ce4e5b9U; // the mixing of splitmix64
        return static_cast<std::uintptr_t>(value ^ (value >> 32));
    }
};

} // namespace posix
AIOXX_NAMESPACE_END
