// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "descriptors.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <string>

namespace aioxx::test {

inline Event next_event(Context& context) {
    EventBatch events{1};
    while (context.wait(events, 1) != 1) {
    }
    return events[0];
}

/// Submits one operation and returns its event.
inline Event run_one(Context& context, Iocb& iocb) {
    context.submit(iocb);
    const Event event = next_event(context);
    CHECK(&event.iocb() == &iocb);
    return event;
}

/// The error that submitting `iocb` gives; 0 when it is accepted, and then in flight.
inline int submit_error(Context& context, Iocb& iocb) {
    std::error_code error;
    context.submit(iocb, error);
    return error.value();
}

template <typename Text>
requires requires(Text& text) {
    text.data();
}
std::span<std::byte> bytes_of(Text& text) {
    return std::as_writable_bytes(std::span{text.data(), text.size()});
}
inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

} // namespace aioxx::test
