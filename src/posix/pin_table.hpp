// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/mailbox.hpp"
#include "engine/worker_pool.hpp"
#include "engine/worker_table.hpp"
#include "posix/pin.hpp"
#include "posix/private_table.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

AIOXX_NAMESPACE_BEGIN
namespace posix {

class DirectPath;

/// A descriptor table that workers have for themselves, and the files that are kept open in it
/// although the program may close their numbers. A duplicate in the program's table would not do:
/// closing it drops the record locks that the program holds on that file, and it costs a number.
///
/// No worker waits for files. A file that is sent is open while it is in the socket; a worker
/// receives what is there when it needs a file that has not arrived. What is to be changed about a
/// pin is a task: closing it, and registering it with an epoll descriptor.
///
/// Where the kernel forbids a table of their own the workers stay in the program's, and files
/// arrive there: still never the wrong file, but a number and the record locks are the price.
///
/// Ownership: a pin is the caller's until release_and_wait(); the files in the table are the
/// table's. Threads: the functions are for the engine's thread, and those of WorkerTable for the
/// thread that is written there. Blocking: release_and_wait() and taken_back() wait until a worker
/// has closed the file; the others wait shortly where the socket is full. Only reserve() allocates.
class PinTable final : public engine::WorkerTable {
public:
    /// `wake_fd` and `event_fd` (-1 for none) are the Mailbox's, which workers write; they keep
    /// their numbers. Before the pool is started. The pool needs a spare worker for tasks.
    void attach(engine::WorkerPool& pool, engine::Mailbox& mailbox, int wake_fd,
                int event_fd) noexcept;
    /// A flush waits until nothing on its number is in progress there. Before the pool is started.
    void flush_after(DirectPath& direct_path) noexcept { direct_path_ = &direct_path; }
    /// Makes sure that `files` at a time can be pinned, and lent beside. Throws std::bad_alloc.
    void reserve(std::size_t files);

    /// Keeps the file that is open as `fd`. Null with errno where that fails: EAGAIN when no worker
    /// runs. From the first pin on the workers stay.
    Pin* pin(int fd) noexcept;
    /// No operation needs the pin any more. When this returns the file is closed: what a program is
    /// told to be done shall not hold its locks, ports and pipes.
    void release_and_wait(Pin& pin) noexcept;

    /// Prepares a plain call for a worker without a pin of the caller's: the file that is open as
    /// `fd` goes with it, and the worker that makes the last such call closes it before its result
    /// is published. Operations that come while the file is there, which `loan` tells, need no `fd`
    /// (-1). False with errno where that fails. The operation is added to the pool next.
    bool lend(Loan& loan, int fd, engine::Operation& operation) noexcept;

    /// Has the epoll descriptor `epoll` (always the same) tell `events` of the pinned file, with
    /// `data`. 0 or an errno; when it turns out later to be impossible `unwatchable` says why,
    /// take_unwatchable() says so once, and the Mailbox is woken. Releasing the pin ends it.
    int watch(Pin& pin, int epoll, std::uint32_t events, std::uint64_t data) noexcept;
    bool take_unwatchable() noexcept { return any_unwatchable_.exchange(false); }

    /// In a forked child: closes its copies of descriptors. Nothing else may be called.
    void close_inherited() noexcept { table_.close_in_program(); }

    int open() noexcept override;
    void enter() noexcept override;
    void entered() noexcept override;
    void leave() noexcept override;
    Entry find(engine::Operation& operation) noexcept override;
    void release(const Entry& entry) noexcept override;
    void taken_back(engine::Operation& operation) noexcept override;
    [[nodiscard]] bool is_in_use() const noexcept override { return in_use_.load() > 0; }

private:
    struct ReceiveTask : engine::WorkerPool::Task {
        PinTable* table = nullptr;
        std::atomic<bool> queued{false};
    };

    Pin* take_and_send(int fd, bool lent) noexcept;
    int send(Pin* pin, int fd) noexcept;
    void give_back(Pin& pin) noexcept;
    static bool join(const Loan& loan) noexcept;
    /// `change`, under the mutex, says what is to be done to the pin. False when no worker runs.
    template <typename Change>
    bool ask(Pin& pin, Change change) noexcept;

    // On a worker.
    void carry_out(Pin& pin) noexcept;
    void close_file(Pin& pin) noexcept;
    int register_with_epoll(Pin& pin, std::uint32_t events, std::uint64_t data) noexcept;
    int number_of(Pin& pin) noexcept;
    template <typename Arrived>
    void receive_until(Arrived arrived) noexcept;

    engine::WorkerPool* pool_ = nullptr;
    engine::Mailbox* mailbox_ = nullptr;
    DirectPath* direct_path_ = nullptr;
    int wake_fd_ = -1;
    int event_fd_ = -1;
    PinPool pins_;
    PrivateTable table_;
    ReceiveTask receive_task_;
    bool is_shared_ = false; // there is no table for the workers alone
    bool epoll_sent_ = false;
    std::atomic<std::size_t> in_use_{0};
    std::atomic<bool> any_unwatchable_{false};
    std::atomic<int> epoll_{-1}; // in the workers' table; as Pin::fd

    std::mutex receiving_; // one worker at a time
    std::mutex changes_;   // what the pins' tasks are to do
};

} // namespace posix
AIOXX_NAMESPACE_END
