// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What differs between the program that tests the drop-in and the one that tests glibc.
#include "posix/provider.hpp"

const bool aioxx::test::drop_in_expected = EXPECT_DROP_IN;
