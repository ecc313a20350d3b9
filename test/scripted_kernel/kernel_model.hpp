// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "kernel/kernel.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

namespace aioxx::test {

/// Kernel AIO in the test's hands. It accepts operations and does nothing with them: the test says
/// which of those in flight completes next, and with what result. So events come late, in another
/// order, or short, as the test wants, and the same way each time.
///
/// As in the kernel: submit stops at the first operation refused; completed operations hold their
/// slots until they are reaped; the ring can be read in user space; polls can be cancelled. Unlike
/// it: a context of N takes N operations and never more; a signal mask is ignored; closing a
/// context does not wait for what is in flight, but forgets it. Plain calls, which are made without
/// kernel AIO, return at once what the test's rule says.
///
/// Calls may come from several threads.
class KernelModel {
public:
    using Handle = kernel::Handle;
    using IocbLayout = kernel::IocbLayout;
    using EventLayout = kernel::EventLayout;

    struct Operation {
        Handle context = 0;
        IocbLayout* iocb = nullptr; // its identity; it may be gone when the context is
        IocbLayout submitted;       // what was in it
    };

    /// A preadv2 or pwritev2, an fsync or fdatasync.
    struct PlainCall {
        enum class Kind : std::uint8_t { read, write, fsync, fdatasync };

        Kind kind = Kind::read;
        int fd = -1;
        std::size_t length = 0; // bytes, of all parts
        std::int64_t offset = 0;
        int flags = 0;
    };

    KernelModel() = default;
    KernelModel(const KernelModel&) = delete;
    KernelModel& operator=(const KernelModel&) = delete;
    ~KernelModel();

    /// What all contexts together may hold: setup is EAGAIN above it.
    void set_limit(std::uint64_t operations);
    /// Whether contexts made from now on have a ring at their handle. With one they do at first.
    void set_rings(bool mapped);
    /// `rule` says with which errno an operation is refused by submit; 0 accepts it.
    void set_refusal(std::function<int(const IocbLayout&)> rule);
    /// `rule` says what a plain call returns: bytes, or a negative errno. It is called without any
    /// lock held, and may wait. Without a rule all bytes are transferred, and flushes go well.
    void set_plain_result(std::function<std::int64_t(const PlainCall&)> rule);
    /// Called when a wait lacks events: it completes something and returns true, or returns false
    /// for no more to come. Then a wait with a timeout has run out of time, and one without has
    /// been interrupted. Without this function a wait waits, for another thread to complete
    /// something.
    void on_wait(std::function<bool()> function);

    /// What is in flight now, in the order of submission, of all contexts.
    [[nodiscard]] std::vector<Operation> in_flight() const;
    /// Completes one of them, by its place there.
    void complete(std::size_t place, std::int64_t result, std::int64_t result2 = 0);
    /// How many operations went with their context, uncompleted or unreaped.
    [[nodiscard]] std::size_t lost() const;

    // What the seam calls.
    int setup(unsigned events, Handle* handle);
    int destroy(Handle handle);
    int submit(Handle handle, long count, IocbLayout** iocbs);
    int cancel(Handle handle, IocbLayout* iocb);
    int get_events(Handle handle, long min, long max, EventLayout* events, kernel::Timeout timeout);
    std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count,
                          std::int64_t at, int flags);
    std::int64_t flush(bool data_only, int fd);

private:
    struct Pending {
        Operation operation;
        int event_fd = -1; // our own reference
    };
    struct Ring;
    struct Context {
        unsigned depth = 0;
        Ring* ring = nullptr;
        std::size_t ring_bytes = 0;
        std::size_t in_flight = 0;
    };

    std::int64_t plain(const PlainCall& call);
    int accept(Handle handle, Context& context, IocbLayout* iocb);
    void finish(std::size_t place, std::int64_t result, std::int64_t result2);
    static void close_event_fd(Pending& pending);

    mutable std::mutex mutex_;
    std::condition_variable completed_;
    std::map<Handle, Context> contexts_;
    std::vector<Pending> in_flight_;
    std::function<int(const IocbLayout&)> refusal_;
    std::function<std::int64_t(const PlainCall&)> plain_result_;
    std::function<bool()> on_wait_;
    std::uint64_t limit_ = 65536;
    std::uint64_t used_ = 0;
    std::size_t lost_ = 0;
    Handle next_handle_ = 1; // odd, and therefore no address of a ring
    bool rings_ = true;
};

} // namespace aioxx::test
