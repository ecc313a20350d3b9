// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "model/event_ring.hpp"
#include "model/random.hpp"
#include "model/simulated_file.hpp"
#include "scripted_kernel/scripted_kernel.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/uio.h>

namespace aioxx::test {

/// How a simulated kernel behaves; chances in percent.
struct Behaviour {
    bool ring = true;          // mapped where the handle says
    bool cuts_plain = true;    // transfers without NOWAIT may be short, too
    bool threads = false;      // workers are allowed: the queue's own thread must not block
    unsigned slots = 0;        // transfers and flushes that may be in flight
    unsigned at_once = 20;     // completed inside submit
    unsigned sleeps = 0;       // submit of direct I/O, on the queue's own thread
    unsigned again = 5;        // submit stops with EAGAIN
    unsigned interrupted = 3;  // EINTR
    unsigned would_block = 40; // NOWAIT
    unsigned cut = 25;         // short
    unsigned failed = 2;       // EIO
    unsigned forgotten = 2;    // does not complete, or return, until release()

    static Behaviour drawn_from(Random& random);
};

/// Kernel AIO without a disk: operations on simulated files complete late, in any order, short, or
/// not at all, as drawn from a seed. Time passes for it only inside of calls and in advance().
///
/// Plain calls, which are made without kernel AIO, end in the same ways, and return then: one with
/// NOWAIT or in memory at once, another one as often as not when some time has passed, on a pipe
/// when that is ready. Where no workers are allowed the queue's own thread makes them, and time
/// passes inside of the call until it returns. On a worker it returns when another thread lets time
/// pass, or else after some milliseconds.
///
/// It holds the library to its contracts: buffers are scribbled on for as long as they are its own,
/// what is to be written is compared with what it was, and a submit or a plain call that could
/// block the thread that made the context, while workers are allowed, is a violation. Calls may
/// come from several threads.
class SimulatedKernel final : public Backend {
public:
    SimulatedKernel(std::uint64_t seed, const Behaviour& behaviour);
    SimulatedKernel(const SimulatedKernel&) = delete;
    SimulatedKernel& operator=(const SimulatedKernel&) = delete;
    ~SimulatedKernel() override;

    std::shared_ptr<SimulatedFile> add(int fd, SimulatedFile::Traits traits);
    /// Called when a wait, or a plain call on a thread that made a context, would not end: does
    /// something about it, or returns false.
    void on_stuck(std::function<bool()> function) { on_stuck_ = std::move(function); }

    /// Completes up to `count` operations; returns how many.
    std::size_t advance(std::size_t count);
    /// Lets what was forgotten go on; whether there was anything.
    bool release();
    /// From now on nothing is forgotten.
    void forget_nothing();
    /// Whether an operation in flight or a plain call, or only a write, has its buffer in `memory`.
    [[nodiscard]] bool holds(const std::byte* memory, std::size_t length,
                             bool writes_only = false) const;
    /// Waits until every context is destroyed, that of a background thread too.
    void wait_until_closed();
    [[nodiscard]] std::vector<std::string> violations() const;

    int setup(unsigned events, kernel::Handle* handle) override;
    int destroy(kernel::Handle handle) override;
    int submit(kernel::Handle handle, long count, kernel::IocbLayout** iocbs) override;
    int cancel(kernel::Handle handle, kernel::IocbLayout* iocb) override;
    int get_events(kernel::Handle handle, long min, long max, kernel::EventLayout* events,
                   kernel::Timeout timeout) override;
    std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count,
                          std::int64_t at, int flags) override;
    std::int64_t flush(bool data_only, int fd) override;

private:
    using Clock = std::chrono::steady_clock;

    struct Context {
        unsigned depth = 0;
        std::unique_ptr<EventRing> ring;
        std::size_t in_flight = 0;
        std::thread::id owner;
        bool closing = false;
    };
    /// A thread waits until it returns.
    struct PlainCall {
        bool returned = false;
        std::int64_t result = 0;
    };
    struct Pending {
        kernel::Handle context = 0;
        kernel::IocbLayout* iocb = nullptr;
        PlainCall* call = nullptr;           // instead of the two above
        kernel::IocbLayout submitted;        // what a plain call would be, too
        std::shared_ptr<SimulatedFile> file; // or, for a poll on something else:
        int poll_fd = -1;                    // our own
        int event_fd = -1;                   // of event_fds_
        std::vector<iovec> parts;
        std::vector<std::byte> data; // of a write, as it was
        bool nowait = false;
        bool append = false;
        bool direct = false;
        bool foreign = false; // submitted by another thread
        bool interruptible = false;
        bool forgotten = false;
        bool cancelled = false;
    };

    // Calls (simulated_kernel.cpp)
    int accept(kernel::Handle handle, Context& context, kernel::IocbLayout* iocb);
    int resolve(Pending& pending, bool own_thread);
    int resolve_transfer(Pending& pending, int flags);
    int resolve_event_fd(int fd);
    void check_blocking(const Pending& pending, bool own_thread);
    [[nodiscard]] static bool may_block(const Pending& pending) noexcept;

    // Plain calls (simulated_plain_call.cpp)
    std::int64_t make(Pending pending);
    void wait_on_own_thread(const PlainCall& call, std::unique_lock<std::mutex>& lock);
    void wait_on_worker(const PlainCall& call, std::unique_lock<std::mutex>& lock);
    [[nodiscard]] std::size_t place_of(const PlainCall& call) const;
    bool complete_ready(std::size_t place);
    bool wait_for_change(std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds limit);
    void check_progress() const;

    // Completing (simulated_completion.cpp)
    std::size_t advance_locked(std::size_t count);
    bool complete(std::size_t place, short ready);
    std::int64_t file_transfer(Pending& pending);
    std::int64_t pipe_transfer(Pending& pending, short ready);
    std::size_t cut(const Pending& pending, std::size_t bytes);
    void check_written(const Pending& pending);
    void scribble();
    [[nodiscard]] std::vector<short> readiness() const;
    void put(std::size_t place, std::int64_t result);
    void violation(std::string what);

    const std::uint64_t seed_;
    Behaviour behaviour_;
    std::function<bool()> on_stuck_;

    mutable std::mutex mutex_; // of what follows
    std::condition_variable closed_;
    std::condition_variable changed_;  // another thread has submitted, or is in a plain call
    std::condition_variable returned_; // a plain call has an answer
    Random random_;
    std::map<kernel::Handle, Context> contexts_;
    std::map<SimulatedFile::Key, std::shared_ptr<SimulatedFile>> files_;
    std::vector<Pending> pending_;
    std::map<std::string, int> event_fds_; // by their id in /proc
    std::vector<std::string> violations_;
    kernel::Handle next_handle_ = 1; // odd, and no address of a ring
    Clock::time_point last_change_ = Clock::now();
};

[[nodiscard]] inline bool is_write(const kernel::IocbLayout& iocb) noexcept {
    return iocb.opcode == 1 || iocb.opcode == 8;
}
[[nodiscard]] inline bool is_flush(const kernel::IocbLayout& iocb) noexcept {
    return iocb.opcode == 2 || iocb.opcode == 3;
}
[[nodiscard]] inline bool is_poll(const kernel::IocbLayout& iocb) noexcept {
    return iocb.opcode == 5;
}

} // namespace aioxx::test
