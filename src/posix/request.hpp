// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"
#include "posix/control_block.hpp"

#include <cstddef>
#include <deque>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The requests of one lio_listio, as far as somebody wants to know when the last is done.
struct RequestList : engine::Link<RequestList, 0> {
    sigevent notification{};
    std::size_t unfinished = 0;
    bool failed = false;
    bool awaited = false; // by LIO_WAIT: the waiter gives it back
};

/// One request in progress. The block is the program's, and not looked at again until the outcome
/// is written to it.
struct Request : engine::Operation, engine::Link<Request, 2> {
    ControlBlock* block = nullptr;
    sigevent notification{};
    RequestList* list = nullptr;
    int fd = -1;
    bool fresh = false;    // started in the present call
    bool attended = false; // the attendant runs on its account
    bool no_resources = false;
};

using Requests = engine::List<Request, 2>; // in progress, or of those whose thread is to be made
using RequestLists = engine::List<RequestList, 0>;

/// Objects made once and used again. Throws std::bad_alloc.
template <typename T>
class Pool {
public:
    T& take() {
        if (free_.empty()) {
            return all_.emplace_back();
        }
        return *free_.pop_front();
    }
    void give_back(T& item) noexcept { free_.push_back(item); }

private:
    std::deque<T> all_;
    engine::List<T, std::is_same_v<T, Request> ? 2 : 0> free_;
};

} // namespace posix
AIOXX_NAMESPACE_END
