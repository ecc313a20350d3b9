// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/write_signals.hpp"
#include "posix/completions.hpp"
#include "posix/critical_section.hpp"
#include "posix/layer.hpp"
#include "posix/order.hpp"

#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// One call of the program that starts requests: aio_read, aio_write, aio_fsync or lio_listio.
/// Exists for as long as the call holds the CriticalSection. At its end the requests are submitted,
/// and something sees to it that each of them ends.
class StartingCall {
public:
    /// `list`: that of all the requests, or null.
    StartingCall(Layer& layer, const CriticalSection& section, RequestList* list) noexcept;
    ~StartingCall() { finish(); }
    StartingCall(const StartingCall&) = delete;
    StartingCall& operator=(const StartingCall&) = delete;

    /// Starts a request; its result goes to the block, errors included. 0, or EAGAIN where there is
    /// no memory, or no thread for a notice: then there is no request.
    int start(ControlBlock& block, Order order) noexcept;
    /// The end, once. Whether all requests of the list are done: then the list is gone, unless it
    /// is awaited.
    bool finish() noexcept;

private:
    void begin(Request& request, ControlBlock& block) noexcept;
    void submit() noexcept;
    void keep_what_waits() noexcept;
    void leave_behind() noexcept;
    void give_up(Request& request) noexcept;

    Layer& layer_;
    RequestList* const list_;
    const engine::WriteSignals signals_;
    const std::uint64_t first_number_; // of its requests
    Completions::Found found_;
    NamedFiles named_;
    bool finished_ = false;
};

} // namespace posix
AIOXX_NAMESPACE_END
