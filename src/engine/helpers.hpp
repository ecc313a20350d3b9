// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/context.hpp>

#include "engine/operation.hpp"
#include "engine/pins.hpp"
#include "engine/private_table.hpp"

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
/// One thread more, the keeper, takes the files in and starts helpers as they are wanted. Helpers
/// end when they have been idle for a while, and so does the keeper when it holds no file any more:
/// if it holds some it asks for their release. They block every signal but the C library's own.
///
/// The functions are for the one thread at a time that holds the engine. Only start() and
/// reserve() allocate; only they and stop() may block for long.
class Helpers {
public:
    struct Options {
        unsigned limit = 16;
        std::chrono::nanoseconds idle = std::chrono::seconds{1};
    };

    /// `wake`: an eventfd, signalled when a helper has something to report, or the keeper asks.
    /// `event_fd`: the one that is in the operations' iocbs, or -1. Both keep their numbers in the
    /// helpers' table.
    Helpers(Context& context, const Options& options, int wake, int event_fd) noexcept;
    ~Helpers() { stop(); }
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;

    /// Makes sure that the keeper runs; the error is that of making a thread or a socket.
    void start(std::error_code& error) noexcept;
    /// Waits until the jobs that were begun have made their call, and ends all threads. Jobs that
    /// were not begun stay where they are.
    void stop() noexcept;
    /// In a forked child, which has copies of them.
    void close_inherited_descriptors() noexcept { table_.close_inherited(); }
    /// Whether jobs can be handed over now. Once true it stays so while a pin is held.
    [[nodiscard]] bool running() noexcept;

    /// Whether the keeper, idle for a while and with nothing but files, has asked since the last
    /// call for their release.
    [[nodiscard]] bool asks_for_release() noexcept {
        return asks_.load(std::memory_order_relaxed) && asks_.exchange(false);
    }

    /// Makes sure that `files` at a time can be handed over. Throws std::bad_alloc.
    void reserve_for(std::size_t files) {
        // Of each one held and one still being let go, and some that files which are gone have.
        constexpr std::size_t spare = 32;
        pins_.reserve(2 * files + spare);
    }
    [[nodiscard]] std::size_t pins_made() { return pins_.size(); }

    /// Hands a file over: a pin with one holder, or null where that fails. Needs running().
    Pin* pin(int fd) noexcept;
    static void hold(Pin& pin) noexcept { pin.holders.fetch_add(1, std::memory_order_relaxed); }
    void let_go(Pin& pin) noexcept;
    /// The same, for the last who is no helper, and returns when the file is closed: what a program
    /// is told to be done shall not hold its locks, ports and pipes. Waits for the keeper, or for
    /// a helper that returns from its call.
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
    /// Takes one back before a helper has begun it; false when it is too late. The pin is let go.
    bool take_back(Operation& operation) noexcept;
    /// One whose submit failed; its result is the negative errno. Or one of Route::call, which is
    /// done. Null when there is none.
    Operation* take_refused() noexcept;

private:
    using Body = void (Helpers::*)() noexcept;
    template <Body body>
    bool start_thread(pthread_t& thread) noexcept;

    std::unique_lock<std::mutex> lock_awake() noexcept;
    void keep() noexcept;
    void obey(const PrivateTable::Message& message, int file) noexcept;
    void start_helper() noexcept;
    void work_alone() noexcept;
    bool ends_for_idleness(bool& has_asked) noexcept;
    void end_helpers() noexcept;

    void help() noexcept;
    Operation* next_job() noexcept; // with the mutex held
    bool run(Operation& operation, std::unique_lock<std::mutex>& lock) noexcept;
    std::error_code make_call(Operation& operation, const Pin& pin) noexcept;
    bool pass_turn(Pin& pin) noexcept; // with the mutex held
    static bool is_last(Pin& pin) noexcept;
    bool tell_to_close(Pin& pin) noexcept;
    void close_now(Pin& pin) noexcept; // where the file is

    Context& context_;
    const Options options_;
    const int wake_;
    const int event_fd_;
    PinPool pins_;
    PrivateTable table_;

    std::mutex mutex_; // what follows, up to the blank line
    OperationList jobs_;
    OperationList refused_;
    unsigned submitting_polls_ = 0; // taken from jobs_, and not submitted yet
    std::size_t pinned_ = 0;
    unsigned threads_ = 0; // running or asked of the keeper
    unsigned idle_ = 0;
    bool stopping_ = false;
    bool keeper_runs_ = false;

    std::atomic<bool> any_refused_{false};
    std::atomic<bool> any_unwatchable_{false};
    std::atomic<int> epoll_{-1}; // in the helpers' table
    bool epoll_sent_ = false;    // to the keeper that runs
    std::atomic<bool> asks_{false};
    std::condition_variable poll_submitted_;
    std::condition_variable helper_ended_;
    bool keeper_to_join_ = false;
    bool table_is_shared_ = false;
    pthread_t keeper_{};
    sem_t work_;
    sem_t keeper_ready_;
};

} // namespace engine
AIOXX_NAMESPACE_END
