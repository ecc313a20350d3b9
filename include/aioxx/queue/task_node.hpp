// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <coroutine>

AIOXX_NAMESPACE_BEGIN

class Queue;

namespace detail {

class TaskAccess;
class WaitList;

/// A started task as its queue knows it: one of a list, to be destroyed with the queue when it has
/// not ended by itself.
struct TaskNode {
    std::coroutine_handle<> frame;
    Queue* queue = nullptr;
    TaskNode* next = nullptr;
    TaskNode* previous = nullptr;
    unsigned others = 0; // its coroutines that wait for something that the library does not know
    bool parked = false; // waits for what a closed queue has refused: it cannot go on
};

/// Throws std::logic_error that names the coroutine of `frame`, of which the compiler has made one
/// that does nothing.
[[noreturn]] AIOXX_API void throw_not_begun(const void* frame);

} // namespace detail
AIOXX_NAMESPACE_END
