// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/route_policy.hpp"
#include "kernel/kernel.hpp"
#include "posix/control_block.hpp"
#include "posix/direct_records.hpp"
#include "posix/order.hpp"
#include "posix/shared_ring.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

class PerCallDescriptor;

/// Direct reads and writes that ask for no notice, on descriptors that the engine has made enough
/// of them on: submitted by the calling thread by two system calls, without an operation, a lock or
/// a signal mask. They have a context of their own.
///
/// The number of a descriptor is valid inside the call only, and io_submit takes the file along
/// that it stands for then. Of an open file that has come to a number only the flags are looked at
/// (F_GETFL): where they are other ones the engine gets the request. Where they are the same, what
/// was learnt holds for the new file as well, until a submit that is watched sleeps.
///
/// Threads: any, and any signal handler, whatever it has interrupted, unless it is said otherwise.
class DirectPath {
public:
    static constexpr std::size_t descriptors = 1024; // higher ones are left to the engine
    static constexpr unsigned depth = 128;

    DirectPath() = default;
    ~DirectPath();
    DirectPath(const DirectPath&) = delete;
    DirectPath& operator=(const DirectPath&) = delete;

    /// The eventfd in which completions are counted. Before all else.
    void count_in_event_fd(int fd) noexcept { event_fd_ = fd; }

    // With the CriticalSection held.

    /// A request goes by the engine to the file that is open as `fd` now, with these flags of
    /// F_GETFL: those that follow may go this way.
    void describe(int fd, int flags, PerCallDescriptor& file) noexcept;
    /// Another file is open as `fd`.
    void forget(int fd) noexcept;
    /// From here on until end_flush() nothing on `fd` goes this way: what a flush has to wait for
    /// becomes less.
    void begin_flush(int fd) noexcept;
    void end_flush(int fd) noexcept;
    /// In a forked child, before anything is mapped there: nothing else may be called any more, but
    /// what a signal handler that has forked has interrupted goes on.
    void abandon() noexcept;

    // Without it.

    /// Starts the request that the block describes, but for its opcode and offset. False: it is the
    /// engine's. Keeps errno. `generation`: of the process.
    bool start(ControlBlock& block, Opcode opcode, std::int64_t offset,
               std::uint64_t generation) noexcept;
    /// Takes what has completed. Blocks on nothing.
    void reap() noexcept {
        ring_.take([this](std::uint64_t data, std::int64_t result) {
            records_.complete(DirectRecords::Ticket::unpack(data), result);
        });
    }
    /// What has become of a request of this path. Takes nothing from the ring.
    static DirectRecord::Answer look(const ControlBlock& block) noexcept {
        return block.record()->look(block.use_of_record);
    }
    static bool is_in_progress(const ControlBlock& block) noexcept {
        return look(block).is == DirectRecord::Is::in_progress;
    }
    /// For aio_return: see DirectRecords::take().
    bool take(ControlBlock& block, int& result) noexcept {
        return records_.take(*block.record(), block.use_of_record, result);
    }
    /// The block is used for another request: if it was one of these, and is complete, its result
    /// is not asked for any more.
    void drop(ControlBlock& block, std::uint64_t generation) noexcept;
    /// Whether a request on the number is in progress.
    [[nodiscard]] bool any_in_progress(int fd) noexcept {
        reap();
        return records_.any_in_progress(fd);
    }
    /// Waits until none is. For a worker, before a flush.
    void await_idle(int fd) noexcept;

    /// How many were started, and not counted elsewhere.
    [[nodiscard]] std::uint64_t count() const noexcept { return own_count_.load(); }
    /// Where they are counted from now on. Before the first.
    void count_in(std::atomic<std::uint64_t>& count) noexcept { count_ = &count; }
    [[nodiscard]] std::size_t deepest() const noexcept { return records_.deepest(); }

private:
    /// What is read or written: submits until the next that is watched. Threads that change it at
    /// the same time may lose a count.
    struct Direction {
        static constexpr int engines = -1;

        std::atomic<int> until_watched{engines};
        std::atomic<std::uint32_t> clean{0}; // submits since one has slept, about
        std::atomic<std::uint32_t> random{1};
        std::atomic<bool> slept{false}; // to be told to the engine's policy
    };
    struct Known {
        std::atomic<int> flags{-1};
        std::array<Direction, 2> directions; // reading, writing
        std::atomic<unsigned> flushes{0};
    };

    void open() noexcept;
    [[nodiscard]] bool is_usable(const PerCallDescriptor& file, bool write) noexcept;
    [[nodiscard]] bool submit(const ControlBlock& block, const DirectRecords::Ticket& ticket,
                              bool write, std::int64_t offset) noexcept;
    bool submit_watched(Direction& direction, const ControlBlock& block,
                        const DirectRecords::Ticket& ticket, bool write,
                        std::int64_t offset) noexcept;

    int event_fd_ = -1;
    bool opened_ = false; // tried once
    kernel::Handle context_ = 0;
    SharedRing ring_;
    DirectRecords records_;
    std::array<Known, descriptors> known_;
    std::atomic<std::uint64_t> own_count_{0};
    std::atomic<std::uint64_t>* count_ = &own_count_;
};

} // namespace posix
AIOXX_NAMESPACE_END
