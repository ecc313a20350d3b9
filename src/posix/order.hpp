// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/operation.hpp"
#include "posix/control_block.hpp"

#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

enum class Opcode : int { read = 0, write = 1, none = 2 }; // LIO_READ, LIO_WRITE, LIO_NOP

/// What the program asks for, beside what the block says.
struct Order {
    engine::Kind kind = engine::Kind::none; // none: an unknown opcode
    std::int64_t offset = 0;

    [[nodiscard]] bool is_transfer() const noexcept {
        return kind == engine::Kind::read || kind == engine::Kind::write;
    }
};

inline Order order_of(Opcode opcode, std::int64_t offset) noexcept {
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

inline bool has_good_priority(const ControlBlock& block) noexcept {
    constexpr int most_decrease = 20; // AIO_PRIO_DELTA_MAX
    return block.priority_decrease >= 0 && block.priority_decrease <= most_decrease;
}

} // namespace posix
AIOXX_NAMESPACE_END
