// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

namespace aioxx::test {

/// Reaches a private member for a test: access is not checked where a template is instantiated by
/// name.
///
///     struct Inside { friend constexpr auto member_of(Inside); };
///     template struct Reveal<Inside, &Box::inside_>;
///     box.*member_of(Inside{})
template <typename Tag, auto Member>
struct Reveal {
    friend constexpr auto member_of(Tag) { return Member; }
};

} // namespace aioxx::test
