// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/calls.hpp"
#include "posix/layer.hpp"

#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace posix {

inline int fail(int error) noexcept {
    errno = error;
    return -1;
}

inline bool has_good_priority(const ControlBlock& block) noexcept {
    constexpr int most_decrease = 20; // AIO_PRIO_DELTA_MAX
    return block.priority_decrease >= 0 && block.priority_decrease <= most_decrease;
}

inline Layer::Order order_of(Opcode opcode, std::int64_t offset) noexcept {
    switch (opcode) {
    case Opcode::read:
        return {engine::Kind::read, offset};
    case Opcode::write:
        return {engine::Kind::write, offset};
    case Opcode::none:
        break;
    }
    return {};
}

} // namespace posix
AIOXX_NAMESPACE_END
