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

} // namespace queue
AIOXX_NAMESPACE_END
