// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/private_members.hpp"
#include "posix/pin_table.hpp"

#include <cstddef>

namespace aioxx::test {

// Beside Reveal, which defines their functions.
struct PinsOf {
    friend constexpr auto member_of(PinsOf);
};
struct AllOf {
    friend constexpr auto member_of(AllOf);
};
template struct Reveal<PinsOf, &posix::PinTable::pins_>;
template struct Reveal<AllOf, &posix::PinPool::all_>;

/// How many pins `table` has reserved.
inline std::size_t pins_made(posix::PinTable& table) {
    return (table.*member_of(PinsOf{}).*member_of(AllOf{})).size();
}

} // namespace aioxx::test
