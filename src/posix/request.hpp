// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"
#include "posix/control_block.hpp"

#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The requests of one lio_listio, for as long as the list's notice or LIO_WAIT needs the last one.
struct RequestList : engine::Link<RequestList, 0> {
    sigevent notification{};
    std::size_t unfinished = 0; // requests, and one more until all have been started
    bool failed = false;
    bool awaited = false; // by LIO_WAIT; then the waiter gives the list back
};

/// One request in progress. The block is the program's: it is read when the request is started, and
/// written when it is done.
struct Request : engine::Operation, engine::Link<Request, 2> {
    ControlBlock* block = nullptr;
    sigevent notification{};
    RequestList* list = nullptr;
    std::uint64_t number = 0;  // in the order of starting
    bool attended = false;     // a reason for the attendant to run
    bool no_resources = false; // was cancelled because no thread could be made: EAGAIN
};

/// A request is in one of these: those in progress, those whose notice is to be sent, free ones.
using Requests = engine::List<Request, 2>;
using RequestLists = engine::List<RequestList, 0>;

} // namespace posix
AIOXX_NAMESPACE_END
