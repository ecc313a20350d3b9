// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/attendant.hpp"
#include "posix/request_table.hpp"

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
/// - any other signal: the thread that finds the completion, at once.
///
/// The order: the result is in the block before its notice is sent, and of the notices that one
/// thread sends, those of requests come before that of their list. A notice that was left to the
/// attendant may come after later ones that other threads send. Used with the CriticalSection held.
class Notifier {
public:
    Notifier(RequestTable& requests, Attendant& attendant) noexcept
        : requests_(requests), attendant_(attendant) {}
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// The request is done, and its result is in the block. Sends its notice and gives the
    /// request back, or leaves both to the attendant. Async-signal-safe.
    void request_is_done(Request& request, Moment moment) noexcept;
    /// The list counts one unfinished request less; with the last the list's notice is sent, and
    /// the list given back unless it is awaited. Whether this was the last. Async-signal-safe.
    bool count_down(RequestList& list, Moment moment) noexcept;
    /// By the attendant: sends what was left to it, and gives the requests and lists back. Releases
    /// the lock around each notice.
    void send_all() noexcept;

private:
    Requests requests_to_tell_; // done, of those left to the attendant
    RequestLists lists_to_tell_;
    RequestTable& requests_;
    Attendant& attendant_;
};

} // namespace posix
AIOXX_NAMESPACE_END
