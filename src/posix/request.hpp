// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"
#include "posix/control_block.hpp"
#include "posix/notification.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// What is told of, when it is done: a request or a list.
struct Notice : engine::Link<Notice, 4> {
    enum class Of : std::uint8_t { request, list };

    explicit Notice(Of what) noexcept : of(what) {}

    const Of of;
    bool attended = false; // a reason for the attendant to run
    bool at_once = false;  // one that shall not wait
    sigevent notification{};
};

/// The requests of one lio_listio, for as long as the list's notice or LIO_WAIT needs the last one.
struct RequestList : Notice, engine::Link<RequestList, 0> {
    RequestList() noexcept : Notice(Of::list) {}

    /// Requests, and one more until all have been started. One that has a notice counts until that
    /// has been sent, where the list has one as well.
    std::size_t unfinished = 0;
    bool failed = false;
    bool awaited = false; // by LIO_WAIT; then the waiter gives the list back
};

/// One request in progress. The block is the program's: it is read when the request is started, and
/// written when it is done.
struct Request : engine::Operation, Notice, engine::Link<Request, 2> {
    Request() noexcept : Notice(Of::request) {}

    ControlBlock* block = nullptr;
    RequestList* list = nullptr;
    std::uint64_t number = 0;  // in the order of starting
    int flushed = -1;          // the number, where the DirectPath is held up for a flush
    bool no_resources = false; // was cancelled because no thread could be made: EAGAIN
    /// Of its SIGEV_THREAD, where a list's notice comes after; and since when it is seen to run.
    ThreadProgress thread;
    std::chrono::steady_clock::time_point seen_running;
};

/// A request is in one of these: those in progress, free ones.
using Requests = engine::List<Request, 2>;
using Notices = engine::List<Notice, 4>;
using RequestLists = engine::List<RequestList, 0>;

} // namespace posix
AIOXX_NAMESPACE_END
