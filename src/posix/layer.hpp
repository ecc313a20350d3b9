// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/engine.hpp"
#include "engine/restraint.hpp"
#include "posix/anonymous_files.hpp"
#include "posix/critical_section.hpp"
#include "posix/known_files.hpp"
#include "posix/request.hpp"

#include <atomic>
#include <cstdint>
#include <ctime>

AIOXX_NAMESPACE_BEGIN
namespace posix {

struct Settings {
    unsigned helpers = 16;
    std::chrono::nanoseconds idle = std::chrono::seconds{1};
};

/// For `aioxx posix --stats`.
struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t at_once = 0;   // done when the call returned
    std::uint64_t direct = 0;    // in the kernel when the call returned
    std::uint64_t cancelled = 0; // by aio_cancel
    std::uint64_t deepest = 0;   // most in progress at a time
};

/// POSIX AIO on one engine, for the whole process. Everything is called with the CriticalSection
/// held, but for what says otherwise.
///
/// Completions are taken in by whoever comes: a call that starts something, aio_error when it sees
/// that the ring is not empty, a waiter, or the attendant, a thread that exists only while
/// something has to go on without the program: requests that wait outside the kernel, or want a
/// signal or a thread when they are done.
class Layer {
public:
    Layer(const Settings& settings, std::error_code& error);
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;

    /// What a block asks for.
    struct Order {
        engine::Kind kind = engine::Kind::none; // none: an unknown opcode
        std::int64_t offset = 0;
    };

    /// Takes a request over: its outcome goes to the block, errors included. To be followed, once
    /// for one or many, by end_call(). EAGAIN when there is no memory.
    int start(ControlBlock& block, Order order, RequestList* list);
    /// Submits what start() has taken, and sees to it that it goes on.
    void end_call(const sigset_t& before) noexcept;
    /// Takes in what has completed. Async-signal-safe.
    void take_in() noexcept;
    [[nodiscard]] bool has_events() const noexcept { return engine_.has_events(); }

    /// AIO_CANCELED, AIO_NOTCANCELED or AIO_ALLDONE. `block` null: all of the descriptor's.
    int cancel(int fd, const ControlBlock* block);

    /// For one lio_listio; null when there is no memory. It holds a count of its own, until
    /// list_is_complete().
    RequestList* make_list(bool awaited, const sigevent* notification) noexcept;
    /// All of its requests have been started. Whether all are done; unless it is awaited it is not
    /// to be touched any more.
    bool list_is_complete(RequestList& list) noexcept;
    void give_back(RequestList& list) noexcept { lists_.give_back(list); }

    /// For those that need nothing of what is here; needs no lock.
    [[nodiscard]] CachedReads& cached_reads() noexcept { return files_.cached_reads(); }
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
    /// Whether a program that closes what it does not know has closed the layer's own descriptors:
    /// another layer has to be made, and what waits here waits for ever.
    [[nodiscard]] bool is_cut_off() noexcept;
    /// The same before a request, where not every one looks.
    [[nodiscard]] bool takes_requests() noexcept;
    /// In a forked child: gives back its copies of descriptors. Nothing else may be called.
    void abandon() noexcept {
        engine_.close_inherited_descriptors();
        anonymous_files_.close();
    }
    /// One more of those that are kept, and not used.
    void keep_with(Layer* other) noexcept { other_ = other; }
    /// The program's end: what --stats asks for.
    void print_counts() const noexcept;

private:
    friend class Waiter;

    // starting.cpp
    void give_up(Request& request) noexcept;

    // settling.cpp
    void settle() noexcept;
    void finished(Request& request) noexcept;
    void fail(Request& request, int error) noexcept;
    static void notify(const sigevent& notification) noexcept;
    [[nodiscard]] bool is_left_to_attendant(const sigevent& notification) const noexcept;
    bool list_lost_one(RequestList& list) noexcept;
    void end_attention(Request& request) noexcept;
    void tell_waiters() noexcept;
    void wake_followers() noexcept;

    // attendant.cpp
    void attend(Request& request) noexcept;
    bool start_attendant() noexcept;
    void one_less_attended() noexcept;
    void attendant() noexcept;
    void notify_all() noexcept;
    void notify_unlocked(const sigevent& notification) noexcept;
    bool idle() noexcept;

    // cancelling.cpp
    int cancel_one(Request& request) noexcept;

    engine::Engine engine_;
    const Settings settings_;
    const std::uint64_t generation_;
    AnonymousFiles anonymous_files_; // and the event counter's descriptor
    KnownFiles files_{anonymous_files_};
    Layer* other_ = nullptr;
    bool cut_off_ = false;
    unsigned until_looked_ = 0;
    Pool<Request> pool_;
    Pool<RequestList> lists_;
    Requests in_progress_;
    Requests started_; // in the present call
    std::size_t started_count_ = 0;
    Counts counts_;

    Requests to_notify_; // done, and the attendant is to say so
    RequestLists lists_to_notify_;
    bool in_call_ = false; // that starts requests
    std::size_t attended_ = 0;
    bool attendant_runs_ = false;
    bool attendant_idles_ = false;
    std::chrono::nanoseconds attendant_waits_{}; // for an event, for how long at the most
    pthread_cond_t attention_ = PTHREAD_COND_INITIALIZER;

    std::uintptr_t leader_ = 0; // the waiter that reads the event counter: pthread_self()
    unsigned followers_ = 0;    // waiters that wait for the leader, or for a change of:
    std::atomic<std::uint32_t> sequence_{0};
    bool any_finished_ = false;
    const bool has_many_processors_;
    engine::Restraint spinning_;

    bool pipe_signal_ = false; // an outcome came with one, for this thread
    bool size_signal_ = false;
};

} // namespace posix
AIOXX_NAMESPACE_END
