// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/context.hpp>
#include <aioxx/engine/cancellation.hpp>

#include "engine/mailbox.hpp"
#include "engine/open_file.hpp"
#include "engine/worker_pool.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

struct epoll_event;

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Waits until files are ready: for polls that were asked for, and for transfers on streams.
///
/// By POLL, as long as it has slots of its own; else by one epoll descriptor, which holds any
/// number of files and those that POLL refuses (ttys, O_RDWR fifos), and is itself polled. A
/// transfer waits by the poll that its file has for its direction; others wait by their own iocb.
///
/// It moves polls through their states from `to_watch` on. `ready` has what need not wait any more:
/// its result is the events, or a negative errno where the file cannot be waited for.
class Readiness {
public:
    /// `to_submit`, `to_run`: the scheduler's lists; polls go along. `mailbox`: wakes a thread that
    /// sleeps when there is an epoll descriptor for it to wait by. `high`: descriptors of its own
    /// have high numbers.
    Readiness(OperationList& to_submit, OperationList& to_run, WorkerPool& workers,
              Mailbox& mailbox, bool high) noexcept
        : to_submit_(to_submit), to_run_(to_run), workers_(workers), mailbox_(mailbox),
          high_(high) {}
    ~Readiness() { close(); }
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;

    /// For an event loop: `epoll` is readable when look() would find something.
    void tell_by(int epoll) noexcept { loop_fd_ = epoll; }
    /// The context has been made. `slots`: how many polls may be with the kernel.
    void open(Context& context, std::size_t slots, int event_fd) noexcept;
    void close() noexcept;
    /// The kernel takes no polls any more.
    void lose_poll() noexcept;

    /// Makes `file` known, so that events of epoll find it. Throws std::bad_alloc.
    void add(OpenFile& file);
    void remove(OpenFile& file) noexcept;
    /// The last operation on `file` has ended: it is registered no more.
    void forget(OpenFile& file) noexcept;

    /// No transfer waits by the polls of `file` any more.
    void drop_polls(OpenFile& file) noexcept {
        for (Operation& poll : file.polls) {
            drop(poll);
        }
    }

    /// `operation`, in state to_watch, is a poll or the active transfer of a stream.
    void watch(Operation& operation) noexcept;
    /// What is to be cancelled. `cancelled`: the caller has it again.
    Cancellation take_back(Operation& operation) noexcept;

    /// io_submit has accepted, or refused, a poll: here or on a worker.
    void accepted(Operation& poll) noexcept { poll.move_to(State::kernel); }
    void refused(Operation& poll) noexcept;
    /// The event of a poll.
    void event(Operation& poll, std::int64_t result) noexcept;
    /// Pins that turned out to be unwatchable, with Options of the POSIX layer: their errno.
    void cannot_watch(OpenFile& file, int error) noexcept;

    /// The epoll descriptor is not polled by the kernel: look() has to be called.
    [[nodiscard]] bool is_without_poll() const noexcept {
        return without_poll_ || context_ == nullptr;
    }
    /// -1 until something waits by it. Any thread.
    [[nodiscard]] int epoll_fd() const noexcept { return epoll_fd_; }
    void look() noexcept {
        if (is_without_poll() && epoll_fd_ >= 0) {
            epoll_is_ready();
        }
    }

    OperationList ready;

    /// Polls with the kernel, or on their way there, but for those on the engine's own files. Any
    /// thread.
    [[nodiscard]] std::size_t polls() const noexcept {
        return static_cast<std::size_t>(users_polls_.read());
    }

private:
    void take_slot(const Operation& poll) noexcept;
    void give_back_slot(const Operation& poll) noexcept;
    void place(Operation& poll) noexcept;
    void by_epoll(Operation& poll) noexcept;
    bool arm(OpenFile& file) noexcept;
    void arm_epoll_poll() noexcept;
    void tell_loop(bool whether) noexcept;
    void epoll_is_ready() noexcept;
    void epoll_event(OpenFile& file, std::uint32_t events) noexcept;
    void cannot_wait(Operation& poll, int error) noexcept;
    void tell(Operation& poll, std::int64_t result) noexcept;
    void drop(Operation& poll) noexcept;
    [[nodiscard]] OpenFile* find(std::uint64_t id) const noexcept;

    OperationList& to_submit_;
    OperationList& to_run_;
    WorkerPool& workers_;
    Mailbox& mailbox_;
    int event_fd_ = -1;
    const bool high_;
    Context* context_ = nullptr;
    std::size_t slots_ = 0;
    std::size_t polls_ = 0;         // with the kernel, or on their way there
    Counter users_polls_;           // of those
    std::atomic<int> epoll_fd_{-1}; // sequentially consistent: a sleeper looks at it
    int loop_fd_ = -1;              // of the event loop; -1: there is none
    bool without_poll_ = false;
    Operation epoll_poll_;
    std::uint64_t epoll_waits_ = 0;   // begun
    std::vector<OpenFile*> files_;    // by the lower half of their id; null: free
    std::vector<std::uint32_t> free_; // places in files_
    std::uint32_t last_use_ = 0;      // the upper half
};

} // namespace engine
AIOXX_NAMESPACE_END
