// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/context.hpp>

#include "engine/operation.hpp"
#include "engine/pins.hpp"
#include "engine/private_table.hpp"
#include "engine/restraint.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <system_error>

#include <pthread.h>
#include <semaphore.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Threads that make the calls which may block, on the engine's own context, so that what they
/// submit completes in the same ring as everything else.
///
/// They have a descriptor table of their own, into which files are handed. A duplicate in the
/// program's table would not do: closing it drops the record locks that the program holds on that
/// file, and it costs a number.
///
/// They are all alike: one of them waits for messages, takes files in, and makes what calls there
/// are; meanwhile, if something more is to be done, one of those who wait on the bench takes its
/// place. There is one thread more than may make calls at a time, and who is about to leave nobody
/// free starts another one first. Threads end when they have been idle for a while, the first one
/// when it is alone and holds no file any more: if it holds some it asks for their release. They
/// block every signal but the C library's own.
///
/// The functions are for the one thread at a time that holds the engine. Only start() and
/// reserve() allocate; only they and stop() may block for long.
class Helpers {
public:
    struct Options {
        unsigned limit = 16;
        std::chrono::nanoseconds idle = std::chrono::seconds{1};
    };

    /// `wake`: an eventfd, signalled when the helpers ask for files, or one has something to report
    /// to who waits by the ring. `event_fd`: the one that is in the operations' iocbs, or -1; what
    /// is reported counts there like an event, with `waits_are_told` only while somebody waits for
    /// it between begin_wait() and end_wait(). Both keep their numbers in the helpers' table.
    Helpers(Context& context, const Options& options, int wake, int event_fd,
            bool waits_are_told = false) noexcept;
    ~Helpers() { stop(); }
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;

    /// Makes sure that a thread runs; the error is that of making a thread or a socket.
    void start(std::error_code& error) noexcept;
    /// Waits until the jobs that were begun have made their call, and ends all threads. Jobs that
    /// were not begun stay where they are.
    void stop() noexcept;
    /// In a forked child, which has copies of them.
    void close_inherited_descriptors() noexcept { table_.close_inherited(); }
    /// Whether jobs can be handed over now. Once true it stays so while a pin is held.
    [[nodiscard]] bool running() noexcept;

    /// Whether the first thread, idle for a while and with nothing but files, has asked since the
    /// last call for their release.
    [[nodiscard]] bool asks_for_release() noexcept {
        return asks_.load(std::memory_order_relaxed) && asks_.exchange(false);
    }

    /// Makes sure that `files` at a time can be handed over. Throws std::bad_alloc.
    void reserve_for(std::size_t files) {
        // Of each one held, one lent and one still being let go, and some that files which are
        // gone have.
        constexpr std::size_t spare = 32;
        pins_.reserve(3 * files + spare);
    }
    [[nodiscard]] std::size_t pins_made() { return pins_.size(); }

    /// Hands a file over: a pin with one holder, or null where that fails. Needs running().
    Pin* pin(int fd) noexcept;
    static void hold(Pin& pin) noexcept { pin.holders.fetch_add(1, std::memory_order_relaxed); }
    void let_go(Pin& pin) noexcept;
    /// The same, for the last who is no helper, and returns when the file is closed: what a program
    /// is told to be done shall not hold its locks, ports and pipes. Waits for a helper that is
    /// told to close it, or returns from its call.
    void let_go_and_wait(Pin& pin) noexcept;

    /// Has the epoll descriptor `epoll` (always the same) tell `events` of the pinned file, with
    /// `data`. 0 or an errno; when it turns out to be impossible the pin says so, and
    /// take_unwatchable() once. Letting the pin go ends it.
    int watch(Pin& pin, int epoll, std::uint32_t events, std::uint64_t data) noexcept;
    bool take_unwatchable() noexcept { return any_unwatchable_.exchange(false); }

    /// Hands over an operation that is prepared and has a pin, which the helper lets go. It comes
    /// back in the ring, or, when its submit is refused, through take_refused(). Of those that are
    /// in_turn on one pin a single helper makes one after the other: they would only wait for each
    /// other in the kernel, each with a thread that had to be woken.
    void hand_over(Operation& operation) noexcept;
    /// The same for one of Route::call that is in_turn, without a pin of the caller's: the file
    /// that is open as `fd` goes with it, and is closed before the outcome of the last one is seen,
    /// by the helper that made the call. Those that come while it is there, which `loan` tells,
    /// need no `fd`. False when it cannot be done.
    bool lend(Loan& loan, int fd, Operation& operation) noexcept;
    /// Takes one back before a helper has begun it; false when it is too late. The pin is let go.
    bool take_back(Operation& operation) noexcept;
    /// Those whose submit failed, with the negative errno as the result, and those of Route::call,
    /// which are done.
    OperationList take_refused() noexcept;
    /// Whether it would give any.
    [[nodiscard]] bool has_refused() const noexcept { return any_refused_.load(); }
    /// Whether the last message came while a helper, which has made such a call and looks out for
    /// the next for a moment, was awake.
    [[nodiscard]] bool is_awake() const noexcept { return awake_.load(std::memory_order_relaxed); }
    enum class Where : std::size_t { ring, event_fd };
    /// While somebody sleeps until there is an event, or until the eventfd is signalled. To be
    /// followed by a look at has_refused(). From any thread.
    void begin_wait(Where where) noexcept { ++waits_[static_cast<std::size_t>(where)]; }
    void end_wait(Where where) noexcept { --waits_[static_cast<std::size_t>(where)]; }

private:
    using Body = void (Helpers::*)() noexcept;
    using Lock = std::unique_lock<std::mutex>;
    template <Body body>
    bool start_thread(pthread_t& thread) noexcept;
    Lock lock_awake() noexcept;

    void run_first() noexcept;
    void run_another() noexcept;
    void serve(bool first) noexcept;
    void obey(const PrivateTable::Message& message, int file) noexcept;
    void carry_out(const PrivateTable::Message& watch) noexcept;
    bool ends_for_idleness(bool first) noexcept;
    bool look_out() noexcept;
    int send(const PrivateTable::Message& message, int file) noexcept;

    // With the mutex held.
    [[nodiscard]] bool may_take_job(Lock& lock) noexcept;
    void start_another(Lock& lock) noexcept;
    [[nodiscard]] Operation* job_at_hand() const noexcept;
    void run(Operation& operation, Lock& lock) noexcept;
    void pass_turn(Pin& pin) noexcept;
    void report(Operation& operation, Lock& lock) noexcept;
    [[nodiscard]] bool may_be_taken() const noexcept;
    [[nodiscard]] unsigned free_threads() const noexcept { return threads_ - busy_; }
    void expect_message() noexcept;
    enum class Waited { called, too_late, ended };
    Waited wait_on_bench(Lock& lock) noexcept;
    Waited wait_for_message(Lock& lock, bool looks_out) noexcept;

    std::error_code make_call(Operation& operation, const Pin& pin) noexcept;
    static bool is_last(Pin& pin) noexcept;
    bool tell_to_close(Pin& pin) noexcept;
    void close_now(Pin& pin) noexcept; // where the file is

    Context& context_;
    const Options options_;
    const int wake_;
    const int event_fd_;
    const bool waits_are_told_;
    PinPool pins_;
    PrivateTable table_;

    std::mutex mutex_; // what follows, up to the blank line
    OperationList jobs_;
    OperationList refused_;
    unsigned submitting_polls_ = 0; // taken from jobs_, and not submitted yet
    std::size_t pinned_ = 0;
    std::uint64_t uses_ = 0;        // jobs and messages, or more
    std::uint64_t asked_after_ = 0; // so many uses, for the release of the files
    unsigned threads_ = 0;          // the first one included
    unsigned busy_ = 0;             // of them, those that make a call
    unsigned benched_ = 0;
    bool receives_ = false; // one of them
    unsigned expected_ = 0; // messages, as many as have been sent, or will be at once
    bool stopping_ = false;
    bool runs_ = false;

    std::atomic<bool> any_refused_{false};
    std::atomic<bool> any_unwatchable_{false};
    std::atomic<int> epoll_{-1}; // in the helpers' table
    bool epoll_sent_ = false;
    std::atomic<unsigned> sent_{0};
    std::atomic<unsigned> received_{0};
    std::atomic<bool> awake_{false};
    Restraint looking_out_;
    const bool has_many_processors_;
    std::array<std::atomic<unsigned>, 2> waits_{};
    std::atomic<bool> asks_{false};
    std::condition_variable poll_submitted_;
    std::condition_variable helper_ended_;
    bool first_to_join_ = false;
    bool table_is_shared_ = false;
    pthread_t first_{};
    sem_t first_is_ready_;
    sem_t bench_;
};

} // namespace engine
AIOXX_NAMESPACE_END
