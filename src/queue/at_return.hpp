// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// Does something when the code of a user's has returned, or its thread ends inside it.
template <typename Function>
class AtReturn {
public:
    explicit AtReturn(Function function) noexcept : function_(function) {}
    ~AtReturn() { function_(); }
    AtReturn(const AtReturn&) = delete;
    AtReturn& operator=(const AtReturn&) = delete;

private:
    Function function_;
};

/// One more callback on the stack, until it has been destroyed: what it holds may use the queue
/// when it goes.
class Inside {
public:
    explicit Inside(unsigned& callbacks) noexcept : callbacks_(callbacks) { ++callbacks_; }
    ~Inside() { --callbacks_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

private:
    unsigned& callbacks_;
};

} // namespace queue
AIOXX_NAMESPACE_END
