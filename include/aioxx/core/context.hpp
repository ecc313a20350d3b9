// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>
#include <aioxx/core/event_batch.hpp>
#include <aioxx/core/iocb.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN

/// What became of a request to cancel. Success of the kernel's call is an *error* number there,
/// and this is why the answer comes in words.
enum class CancelResult {
    /// The operation is being cancelled; its event still comes, and has to be awaited like any
    /// other. The event of a cancelled poll has the result 0.
    requested,
    /// The operation has completed, was never submitted, or is of a kind that runs to its end:
    /// everything but polls and the requests of a few drivers (USB gadgets).
    not_cancellable,
    /// The call failed; the error_code says why.
    failed,
};

/// A kernel AIO context: operations go in by submit, completions come out by wait or reap.
///
/// **Lifetime.** The Context goes before the Iocbs and the buffers: declare it after them, or
/// close it first. Closing waits until the kernel is done with everything that was in flight.
///
/// **Threads.** Any number of threads may submit and cancel at a time. One thread at a time
/// reaps, be it by wait or by reap: two would take each other's events, and break the ring.
/// Moving, closing and destroying are for one thread alone.
///
/// **Fork.** A context belongs to the process that made it. In a child its copy is inert: every
/// call fails with EINVAL without entering the kernel, and its destructor does nothing.
///
/// **Errors.** A moved-from or closed Context answers EINVAL. Errors of the calls are reported as
/// the kernel gives them, EINTR included; the failure of an operation is in its Event. Each call
/// comes in two forms: one sets a std::error_code, the other throws std::system_error.
///
///     aioxx::AlignedBuffer block{4096, 4096};
///     aioxx::Iocb read;
///     read.prepare_read(file.fd(), block, 0);
///     aioxx::EventBatch events{1};
///     aioxx::Context context{1}; // declared last, so it goes first
///     context.submit(read);
///     context.wait(events, 1);
///     events[0].result(); // bytes read, or a negative errno
class AIOXX_API Context {
public:
    /// Room for `queue_depth` operations in flight (counting those whose event waits to be
    /// reaped). The kernel may accept more by luck of rounding; only `queue_depth` are
    /// guaranteed.
    ///
    /// EAGAIN when the system-wide limit fs.aio-max-nr would be passed; the exception's text
    /// then tells what was asked for, is used and is allowed. EINVAL for 0 or an absurd number.
    /// ENOSYS in a kernel without AIO, EPERM where seccomp refuses it.
    explicit Context(unsigned queue_depth) {
        std::error_code error = no_error();
        open(queue_depth, error);
        if (error) {
            throw_setup_error(queue_depth, error);
        }
    }
    Context(unsigned queue_depth, std::error_code& error) noexcept { open(queue_depth, error); }

    /// Takes over what `other` holds, which answers EINVAL from then on. Operations in flight go
    /// on.
    Context(Context&& other) noexcept
        : handle_(std::exchange(other.handle_, 0)),
          generation_(std::exchange(other.generation_, no_generation)),
          ring_(std::exchange(other.ring_, nullptr)),
          queue_depth_(std::exchange(other.queue_depth_, 0)) {}
    /// Closes what this one held, as close() does.
    Context& operator=(Context&& other) noexcept;
    /// Closes it, as close() does; an error is lost here.
    ~Context();

    /// Submits one operation. EAGAIN where the context is full: reap first. Other errors are those
    /// of the operation that was refused (EBADF, EINVAL, EOPNOTSUPP); it is not in flight then.
    ///
    /// May block, as below.
    void submit(Iocb& iocb, std::error_code& error) noexcept {
        Iocb* one = &iocb;
        submit(std::span<Iocb* const>(&one, 1), error);
    }
    void submit(Iocb& iocb) {
        Iocb* one = &iocb;
        submit(std::span<Iocb* const>(&one, 1));
    }

    /// Submits operations in their order and returns how many were accepted. The kernel stops
    /// at the first that it refuses: a count short of `iocbs.size()` is normal, the rest is
    /// untouched, and the reason shows as the error when the rest is submitted again. The error
    /// is set only when none was accepted; EAGAIN means that completions have to be reaped
    /// first.
    ///
    /// May block, and does for buffered I/O, writes that extend a file, and empty pipes, ttys
    /// and sockets: see doc/submission.md.
    std::size_t submit(std::span<Iocb* const> iocbs, std::error_code& error) noexcept {
        return count_or_error(call_submit(static_cast<long>(iocbs.size()), iocbs.data()), error);
    }
    std::size_t submit(std::span<Iocb* const> iocbs) {
        return count_or_throw(call_submit(static_cast<long>(iocbs.size()), iocbs.data()),
                              "io_submit");
    }

    /// Waits, without limit, for at least `min` completions, and takes as many as `events`
    /// holds. More than are in flight are waited for for ever. EINTR only when nothing could be
    /// taken; fewer than `min` after a signal otherwise. EINVAL when `min` is above the
    /// capacity.
    std::size_t wait(EventBatch& events, std::size_t min, std::error_code& error) noexcept {
        return filled(events, call_wait(events, min, no_limit, nullptr), error);
    }
    std::size_t wait(EventBatch& events, std::size_t min) {
        return filled(events, call_wait(events, min, no_limit, nullptr), "io_getevents");
    }

    /// The same for `timeout` at the most; a negative one is zero. Running out of time is no
    /// error: the count is then below `min`.
    std::size_t wait_for(EventBatch& events, std::size_t min, std::chrono::nanoseconds timeout,
                         std::error_code& error) noexcept {
        return filled(events, call_wait(events, min, limit(timeout), nullptr), error);
    }
    std::size_t wait_for(EventBatch& events, std::size_t min, std::chrono::nanoseconds timeout) {
        return filled(events, call_wait(events, min, limit(timeout), nullptr), "io_getevents");
    }

    /// wait() and wait_for() with `mask` in force as the thread's signal mask while it waits, set
    /// and restored atomically (io_pgetevents, Linux 4.18; ENOSYS before).
    std::size_t wait(EventBatch& events, std::size_t min, const sigset_t& mask,
                     std::error_code& error) noexcept {
        return filled(events, call_wait(events, min, no_limit, &mask), error);
    }
    std::size_t wait(EventBatch& events, std::size_t min, const sigset_t& mask) {
        return filled(events, call_wait(events, min, no_limit, &mask), "io_pgetevents");
    }
    /// wait_for() with a signal mask, as above.
    std::size_t wait_for(EventBatch& events, std::size_t min, std::chrono::nanoseconds timeout,
                         const sigset_t& mask, std::error_code& error) noexcept {
        return filled(events, call_wait(events, min, limit(timeout), &mask), error);
    }
    std::size_t wait_for(EventBatch& events, std::size_t min, std::chrono::nanoseconds timeout,
                         const sigset_t& mask) {
        return filled(events, call_wait(events, min, limit(timeout), &mask), "io_pgetevents");
    }

    /// Takes what has completed, without waiting and, where the kernel maps its ring in a form
    /// that this library knows, without a system call. Otherwise by the call.
    std::size_t reap(EventBatch& events, std::error_code& error) noexcept {
        return filled(events, call_reap(capacity(events), events.events_.get()), error);
    }
    std::size_t reap(EventBatch& events) {
        return filled(events, call_reap(capacity(events), events.events_.get()), "io_getevents");
    }
    /// Whether reap() would find something. No system call and no reaping, so any thread may ask,
    /// at any time; where the ring cannot be read the answer is true.
    [[nodiscard]] bool has_events() const noexcept;
    /// Whether reap() reads the ring, or has to make the call.
    [[nodiscard]] bool reaps_from_ring() const noexcept { return ring_ != nullptr; }

    /// Asks for `iocb` to be cancelled. See CancelResult: most operations cannot be.
    CancelResult cancel(Iocb& iocb, std::error_code& error) noexcept;
    CancelResult cancel(Iocb& iocb) {
        std::error_code error = no_error();
        const CancelResult result = cancel(iocb, error);
        if (error) {
            detail::throw_error(error, "io_cancel");
        }
        return result;
    }

    /// Cancels the polls in flight, waits for everything else, and gives the context back.
    /// Events not yet reaped are lost. Takes 30 to 50 ms even when idle (the kernel waits for
    /// an RCU grace period), so keep contexts rather than making one for each operation.
    /// Closing twice is no error.
    void close(std::error_code& error) noexcept;
    void close() {
        std::error_code error = no_error();
        close(error);
        if (error) {
            detail::throw_error(error, "io_destroy");
        }
    }

    /// Whether this object can be used: it holds a context, and this process made it.
    [[nodiscard]] bool is_open() const noexcept;
    /// As the constructor was given it; 0 when there is none.
    [[nodiscard]] unsigned queue_depth() const noexcept { return queue_depth_; }
    /// The kernel's aio_context_t (libaio's io_context_t), 0 when there is none.
    [[nodiscard]] std::uintptr_t native_handle() const noexcept { return handle_; }

private:
    static constexpr std::uint64_t no_generation = ~std::uint64_t{0};

    void open(unsigned queue_depth, std::error_code& error) noexcept;
    [[noreturn]] static void throw_setup_error(unsigned queue_depth, const std::error_code& error);

    // What the shared library exports: a count, or a negative errno. An error_code costs two
    // calls to make and to look at; made here, in the caller, it costs them only when there is
    // an error.
    int call_submit(long count, Iocb* const* iocbs) noexcept;
    int call_wait(long min, long max, Event* events, std::int64_t limit,
                  const sigset_t* mask) noexcept;
    int call_reap(long max, Event* events) noexcept;

    static constexpr std::int64_t no_limit = -1; // for the kernel a negative time is for ever
    static constexpr std::int64_t limit(std::chrono::nanoseconds timeout) noexcept {
        return timeout.count() > 0 ? timeout.count() : 0;
    }
    static long capacity(const EventBatch& events) noexcept {
        return static_cast<long>(events.capacity_);
    }
    int call_wait(EventBatch& events, std::size_t min, std::int64_t limit,
                  const sigset_t* mask) noexcept {
        return call_wait(static_cast<long>(min), capacity(events), events.events_.get(), limit,
                         mask);
    }

    static std::size_t count_or_error(int result, std::error_code& error) noexcept {
        if (result < 0) [[unlikely]] {
            error.assign(-result, std::generic_category());
            return 0;
        }
        if (error) {
            error.assign(0, std::generic_category());
        }
        return static_cast<std::size_t>(result);
    }
    static std::size_t count_or_throw(int result, const char* call) {
        if (result < 0) [[unlikely]] {
            detail::throw_error({-result, std::generic_category()}, call);
        }
        return static_cast<std::size_t>(result);
    }
    static std::size_t filled(EventBatch& events, int result, std::error_code& error) noexcept {
        events.size_ = count_or_error(result, error);
        return events.size_;
    }
    static std::size_t filled(EventBatch& events, int result, const char* call) {
        events.size_ = 0;
        events.size_ = count_or_throw(result, call);
        return events.size_;
    }

    std::uintptr_t handle_ = 0;
    std::uint64_t generation_ = no_generation; // the process that made it
    void* ring_ = nullptr;                     // the mapped ring, when it may be read
    unsigned queue_depth_ = 0;
};

AIOXX_NAMESPACE_END
