// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/attendant.hpp"
#include "posix/request_table.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// When a completion is found.
enum class Moment : std::uint8_t {
    in_starting_call, // inside the call that starts requests
    later,
};

/// Sends the notices of requests and lists. Which thread sends one:
/// - SIGEV_THREAD: the attendant, since threads cannot be made in a signal handler;
/// - SIGEV_SIGNAL found inside the call that starts requests: the attendant. The signal would come
///   before that call returns, and a program that goes on to pause() would miss it. With glibc it
///   comes from another thread, and so later;
/// - any other signal: the thread that finds the completion, at once, unless others wait already.
///
/// The order: the result is in the block before its notice is sent. What waits is sent in order,
/// separately for each of the means; what there is no room for waits on. A list counts a request
/// until its notice has been sent, so that the list's comes last, by whichever threads. Of a
/// thread it is waited for until the program's function has returned, or was called 20 ms ago: it
/// may wait for the list's notice.
/// Used with the CriticalSection held.
class Notifier {
public:
    static constexpr std::chrono::nanoseconds least_pause = std::chrono::milliseconds{1};

    /// `beginning`: a thread that was seen to run so long ago is inside the program's function,
    /// unless it was kept from the processor all the time since.
    Notifier(RequestTable& requests, Attendant& attendant,
             std::chrono::nanoseconds beginning = std::chrono::milliseconds{20}) noexcept
        : requests_(requests), attendant_(attendant), time_to_begin_(beginning) {}
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// The request is done, and its result is in the block. Sends its notice, counts down its list
    /// and gives the request back, or leaves all that to the attendant. Async-signal-safe.
    void request_is_done(Request& request, Moment moment) noexcept;
    /// The list counts one unfinished request less; with the last the list's notice is sent, and
    /// the list given back unless it is awaited. Whether this was the last. Async-signal-safe.
    bool count_down(RequestList& list, Moment moment) noexcept;
    /// By the attendant: sends what waits and has room, and gives the requests and lists back.
    /// Releases the lock in between.
    void send_all() noexcept;
    /// Sends signals that wait, where there is no attendant to do it. Async-signal-safe.
    void retry() noexcept {
        if (has_any() && !attendant_.runs()) {
            send_signals();
        }
    }
    /// When send_all() may do more than it has; 0 where nothing waits.
    [[nodiscard]] std::chrono::nanoseconds retry_after() const noexcept {
        return has_any() ? pause_ : std::chrono::nanoseconds::zero();
    }

private:
    /// Each may lack room by itself: the kernel queues real-time signals up to a limit; others it
    /// sends all the same.
    enum class Means : std::size_t { thread, queued_signal, plain_signal };

    static Means means_of(const sigevent& notification) noexcept;
    [[nodiscard]] Notices& waiting(Means means) noexcept {
        return waiting_[static_cast<std::size_t>(means)];
    }
    [[nodiscard]] bool has_any() const noexcept {
        return !waiting_[0].empty() || !waiting_[1].empty() || !waiting_[2].empty() ||
               !beginning_.empty();
    }
    void tell(Notice& notice, Moment moment) noexcept;
    void told(Notice& notice, Moment moment) noexcept;
    bool send_first_signal(Means means) noexcept;
    bool make_first_thread() noexcept;
    void send_signals() noexcept;
    bool settle_threads() noexcept;

    std::array<Notices, 3> waiting_; // by their means
    Notices beginning_; // requests whose threads were made, and whose lists wait until they run
    RequestTable& requests_;
    Attendant& attendant_;
    const std::chrono::nanoseconds time_to_begin_;
    std::chrono::nanoseconds pause_ = least_pause;
};

} // namespace posix
AIOXX_NAMESPACE_END
