// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "task/foreign.hpp"

#include <aioxx/aioxx.hpp>

#include <system_error>
#include <utility>

namespace aioxx::test {

/// What awaiting `awaited` throws.
template <typename Awaited>
std::error_code error_of(Queue& queue, Awaited awaited) {
    const auto awaits = [](Awaited what) -> Task<std::error_code> {
        try {
            static_cast<void>(co_await std::move(what));
        } catch (const std::system_error& error) {
            co_return error.code();
        }
        co_return {};
    };
    return run(queue, awaits(std::move(awaited)));
}

/// A coroutine that is none of the library's and awaits it.
template <typename Awaited>
Foreign await_in_foreign(Awaited awaited, bool& ended) {
    static_cast<void>(co_await std::move(awaited));
    ended = true;
}

inline AlignedBuffer page() {
    return AlignedBuffer{4096, 4096};
}

} // namespace aioxx::test
