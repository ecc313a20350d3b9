// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <coroutine>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// A started task as its queue knows it: one of a list, to be destroyed with the queue when it has
/// not ended by itself.
struct TaskNode {
    std::coroutine_handle<> frame;
    TaskNode* next = nullptr;
    TaskNode* previous = nullptr;
};

} // namespace detail
AIOXX_NAMESPACE_END
